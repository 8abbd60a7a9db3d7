#include "data/image/resize.h"

#include <algorithm>
#include <cstdlib>

namespace scnn {
namespace {

/// The pixels that one pixel of the result is made of: `first` and on.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int64_t> weights;
};

struct Axis {
  std::vector<Taps> taps;
  std::vector<std::int64_t> sums;  ///< of the weights
};

Axis axis_taps(std::int64_t in, std::int64_t out) {
  const std::int64_t m = std::max(in, out);
  Axis axis;
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t centre = (2 * i + 1) * in;
    Taps taps;
    taps.first = std::max<std::int64_t>(0, (centre - 2 * m) / (2 * out) - 1);
    std::int64_t sum = 0;
    for (std::int64_t j = taps.first; j < in; ++j) {
      const std::int64_t weight = 2 * m - std::abs((2 * j + 1) * out - centre);
      if (weight <= 0) {
        if (!taps.weights.empty()) break;
        ++taps.first;
        continue;
      }
      taps.weights.push_back(weight);
      sum += weight;
    }
    axis.taps.push_back(std::move(taps));
    axis.sums.push_back(sum);
  }
  return axis;
}

struct Part {
  std::int64_t y = 0, x = 0, h = 0, w = 0;
};

Part part_of(const RgbImage& image, ImageFit fit, std::int64_t h, std::int64_t w) {
  Part part{0, 0, image.h, image.w};
  if (fit == ImageFit::stretch) return part;
  if (image.w * h > image.h * w) {
    part.w = std::max<std::int64_t>(1, (2 * image.h * w + h) / (2 * h));
  } else {
    part.h = std::max<std::int64_t>(1, (2 * image.w * h + w) / (2 * w));
  }
  part.y = (image.h - part.h) / 2;
  part.x = (image.w - part.w) / 2;
  return part;
}

}  // namespace

void fit_image(const RgbImage& image, ImageFit fit, std::int64_t h, std::int64_t w, std::int64_t channels,
               std::uint8_t* out) {
  const Part part = part_of(image, fit, h, w);
  const Axis rows = axis_taps(part.h, h), columns = axis_taps(part.w, w);
  const auto width = static_cast<std::size_t>(3 * w);
  std::vector<std::int64_t> sums(static_cast<std::size_t>(h) * width, 0), row(width);
  std::int64_t reader = 0;  // first row of the result that the row of the image may still matter to
  for (std::int64_t y = 0; y < part.h; ++y) {
    const std::uint8_t* pixels = image.pixels.data() + ((part.y + y) * image.w + part.x) * 3;
    for (std::size_t x = 0; x < columns.taps.size(); ++x) {
      const Taps& taps = columns.taps[x];
      std::int64_t r = 0, g = 0, b = 0;
      const std::uint8_t* p = pixels + 3 * taps.first;
      for (const std::int64_t weight : taps.weights) {
        r += weight * p[0], g += weight * p[1], b += weight * p[2];
        p += 3;
      }
      row[3 * x] = r, row[3 * x + 1] = g, row[3 * x + 2] = b;
    }
    for (std::int64_t i = reader; i < h; ++i) {
      const Taps& taps = rows.taps[static_cast<std::size_t>(i)];
      if (y < taps.first) break;
      if (y >= taps.first + static_cast<std::int64_t>(taps.weights.size())) {
        ++reader;
        continue;
      }
      const std::int64_t weight = taps.weights[static_cast<std::size_t>(y - taps.first)];
      std::int64_t* sum = sums.data() + static_cast<std::size_t>(i) * width;
      for (std::size_t x = 0; x < width; ++x) sum[x] += weight * row[x];
    }
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(h); ++i) {
    for (std::size_t j = 0; j < static_cast<std::size_t>(w); ++j) {
      const std::int64_t total = rows.sums[i] * columns.sums[j];
      const std::int64_t* sum = sums.data() + i * width + 3 * j;
      const auto mean = [&](int c) { return (2 * sum[c] + total) / (2 * total); };
      if (channels == 3) {
        for (int c = 0; c < 3; ++c) *out++ = static_cast<std::uint8_t>(mean(c));
      } else {
        *out++ = static_cast<std::uint8_t>((299 * mean(0) + 587 * mean(1) + 114 * mean(2) + 500) / 1000);
      }
    }
  }
}

}  // namespace scnn
