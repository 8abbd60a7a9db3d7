#include "backend/picture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scnn::picture {
namespace {

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

std::size_t place(const Picture& image, std::int64_t y, std::int64_t x) {
  return static_cast<std::size_t>((y * image.w + x) * image.channels);
}

/// Replaces values of each channel by that channel's table, made from its histogram.
template <class TableOf>
void map_channels(Picture& image, const TableOf& table_of) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    Histogram histogram{};
    for (std::size_t i = c; i < image.pixels.size(); i += channels) ++histogram[image.pixels[i]];
    const Table table = table_of(histogram);
    for (std::size_t i = c; i < image.pixels.size(); i += channels) image.pixels[i] = table[image.pixels[i]];
  }
}

template <class ValueOf>
Table table_of_values(const ValueOf& value_of) {
  Table table;
  for (int value = 0; value < 256; ++value) {
    table[static_cast<std::size_t>(value)] = static_cast<std::uint8_t>(value_of(value));
  }
  return table;
}

/// Image.blend(from, image, factor), in single precision, truncated.
std::uint8_t blended(int from, int value, float factor) {
  const float mixed = static_cast<float>(from) + factor * static_cast<float>(value - from);
  return static_cast<std::uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
}

/// Image.convert("L") of one pixel.
int grey(const Picture& image, std::size_t at) {
  if (image.channels == 1) return image.pixels[at];
  return (image.pixels[at] * 19595 + image.pixels[at + 1] * 38470 + image.pixels[at + 2] * 7471 + 0x8000) >> 16;
}

/// 16.16 fixed point.
std::int32_t fixed(double value) { return static_cast<std::int32_t>(std::floor(value * 65536.0 + 0.5)); }

}  // namespace

void affine(Picture& image, const std::array<double, 6>& m) {
  Picture moved = image;
  std::ranges::fill(moved.pixels, std::uint8_t{0});
  const auto copy_pixel = [&](std::int64_t y, std::int64_t x, std::int64_t from_y, std::int64_t from_x) {
    if (from_y < 0 || from_y >= image.h || from_x < 0 || from_x >= image.w) return;
    std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(place(image, from_y, from_x)), image.channels,
                moved.pixels.begin() + static_cast<std::ptrdiff_t>(place(moved, y, x)));
  };
  if (m[1] == 0 && m[3] == 0) {
    // PIL steps along both axes in double precision here, and in fixed point elsewhere.
    const auto pixel_at = [](double v) { return v < 0 ? std::int64_t{-1} : static_cast<std::int64_t>(v); };
    double from_y = m[5] + m[4] * 0.5;
    for (std::int32_t y = 0; y < image.h; ++y, from_y += m[4]) {
      double from_x = m[2] + m[0] * 0.5;
      for (std::int32_t x = 0; x < image.w; ++x, from_x += m[0]) copy_pixel(y, x, pixel_at(from_y), pixel_at(from_x));
    }
  } else {
    const std::int32_t first_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
    const std::int32_t first_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
    for (std::int32_t y = 0; y < image.h; ++y) {
      for (std::int32_t x = 0; x < image.w; ++x) {
        copy_pixel(y, x, (first_y + fixed(m[3]) * x + fixed(m[4]) * y) >> 16,
                   (first_x + fixed(m[0]) * x + fixed(m[1]) * y) >> 16);
      }
    }
  }
  image = std::move(moved);
}

void rotate(Picture& image, double degrees) {
  if (degrees == 0) return;
  const auto rounded = [](double v) { return std::nearbyint(v * 1e15) / 1e15; };  // as Image.rotate
  const double angle = -degrees * std::numbers::pi / 180.0;
  const double c = rounded(std::cos(angle)), s = rounded(std::sin(angle));
  const double x = image.w / 2.0, y = image.h / 2.0;
  affine(image, {c, s, c * -x + s * -y + x, -s, c, -s * -x + c * -y + y});
}

void brightness(Picture& image, double factor) {
  const Table table = table_of_values([&](int v) { return blended(0, v, static_cast<float>(factor)); });
  map_channels(image, [&](const Histogram&) { return table; });
}

void color(Picture& image, double factor) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t at = 0; at < image.pixels.size(); at += channels) {
    const int from = grey(image, at);
    for (std::size_t c = 0; c < channels; ++c) {
      image.pixels[at + c] = blended(from, image.pixels[at + c], static_cast<float>(factor));
    }
  }
}

void contrast(Picture& image, double factor) {
  if (image.pixels.empty()) return;
  std::int64_t sum = 0;
  for (std::size_t at = 0; at < image.pixels.size(); at += static_cast<std::size_t>(image.channels)) {
    sum += grey(image, at);
  }
  const double mean = static_cast<double>(sum) / (static_cast<double>(image.h) * image.w);
  const int from = static_cast<int>(std::floor(mean + 0.5));
  const Table table = table_of_values([&](int v) { return blended(from, v, static_cast<float>(factor)); });
  map_channels(image, [&](const Histogram&) { return table; });
}

void sharpness(Picture& image, double factor) {
  // ImageFilter.SMOOTH: 5 in the middle, 1 around it, over 13; the border stays.
  Picture smooth = image;
  for (std::int32_t y = 1; y + 1 < image.h; ++y) {
    for (std::int32_t x = 1; x + 1 < image.w; ++x) {
      for (std::int32_t c = 0; c < image.channels; ++c) {
        const std::size_t at = place(image, y, x) + static_cast<std::size_t>(c);
        int sum = 4 * image.pixels[at];
        for (std::int32_t dy = -1; dy <= 1; ++dy) {
          for (std::int32_t dx = -1; dx <= 1; ++dx) {
            sum += image.pixels[place(image, y + dy, x + dx) + static_cast<std::size_t>(c)];
          }
        }
        smooth.pixels[at] = static_cast<std::uint8_t>((2 * sum + 13) / 26);  // thirteenths never lie half-way
      }
    }
  }
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = blended(smooth.pixels[i], image.pixels[i], static_cast<float>(factor));
  }
}

void posterize(Picture& image, int bits) {
  const int mask = ~((1 << (8 - bits)) - 1);
  const Table table = table_of_values([&](int v) { return v & mask; });
  map_channels(image, [&](const Histogram&) { return table; });
}

void solarize(Picture& image, double threshold) {
  const Table table = table_of_values([&](int v) { return v < threshold ? v : 255 - v; });
  map_channels(image, [&](const Histogram&) { return table; });
}

void auto_contrast(Picture& image) {
  map_channels(image, [](const Histogram& histogram) {
    int low = 0, high = 255;
    while (low < 255 && histogram[static_cast<std::size_t>(low)] == 0) ++low;
    while (high > 0 && histogram[static_cast<std::size_t>(high)] == 0) --high;
    if (high <= low) return table_of_values([](int v) { return v; });
    const double scale = 255.0 / (high - low), offset = -low * scale;
    return table_of_values([&](int v) { return std::clamp(static_cast<int>(v * scale + offset), 0, 255); });
  });
}

void equalize(Picture& image) {
  map_channels(image, [](const Histogram& histogram) {
    std::int64_t total = 0, last = 0;
    for (const std::int64_t count : histogram) {
      total += count;
      if (count > 0) last = count;
    }
    const std::int64_t step = (total - last) / 255;
    if (step == 0) return table_of_values([](int v) { return v; });
    std::int64_t n = step / 2;
    return table_of_values([&](int v) {
      const std::int64_t to = std::min<std::int64_t>(n / step, 255);
      n += histogram[static_cast<std::size_t>(v)];
      return to;
    });
  });
}

void invert(Picture& image) {
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(255 - value);
}

}  // namespace scnn::picture
