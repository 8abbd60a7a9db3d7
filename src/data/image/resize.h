#pragma once

#include "data/image/decode.h"
#include "scnn/data/options.h"

namespace scnn {

/// Writes [h, w, channels] (1: grey, 3: red, green, blue) to `out`.
///
/// Resizing is bilinear with antialiasing, the triangle filter that PIL and torchvision call so: along each axis, with
/// n pixels in and N out, pixel i of the result is the mean of pixels j weighted by
///
///     max(0, 2 m - |(2 j + 1) N - (2 i + 1) n|)        m = max(n, N)
///
/// and the two axes' weights multiply.  Whole numbers alone, one rounding (halves up): every machine makes the same
/// pixels.  Grey is (299 R + 587 G + 114 B + 500) / 1000, rounded down.  The part that ImageFit::crop takes has
/// round(height * w / h) columns and all rows or the other way around, its corner at half the rest, rounded down.
void fit_image(const RgbImage& image, ImageFit fit, std::int64_t h, std::int64_t w, std::int64_t channels,
               std::uint8_t* out);

}  // namespace scnn
