#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace scnn {

/// An 8-bit image [h, w, channels], grey or RGB.
struct Picture {
  std::int32_t h = 0, w = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// Operations as the Python Imaging Library has them, equal to it in every pixel.  What moves pixels takes the nearest
/// one and lets zeros in.
namespace picture {

/// Image.transform(AFFINE, NEAREST): pixel (x, y) of the result comes from (m0 x + m1 y + m2, m3 x + m4 y + m5).
void affine(Picture& image, const std::array<double, 6>& matrix);
/// Image.rotate, counter-clockwise around the centre.
void rotate(Picture& image, double degrees);
/// ImageEnhance.Brightness, Color, Contrast and Sharpness: 1 leaves the image as it is.
void brightness(Picture& image, double factor);
void color(Picture& image, double factor);
void contrast(Picture& image, double factor);
void sharpness(Picture& image, double factor);
/// ImageOps.posterize: the highest `bits` of each value stay.
void posterize(Picture& image, int bits);
/// ImageOps.solarize: values from `threshold` on are inverted.
void solarize(Picture& image, double threshold);
/// ImageOps.autocontrast, equalize and invert.
void auto_contrast(Picture& image);
void equalize(Picture& image);
void invert(Picture& image);

}  // namespace picture
}  // namespace scnn
