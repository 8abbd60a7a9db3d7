#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/settings_error.h"
#include "data/formats.h"

namespace scnn {
namespace {

constexpr std::array shapes{"disc", "square", "triangle", "cross", "ring", "frame"};
constexpr std::array textures{"", "striped ", "banded ", "chequered "};
constexpr std::int64_t most_made_classes = static_cast<std::int64_t>(shapes.size() * textures.size());

// Lanes of the stream: what an image is, and its noise, for each split.
enum Lane : std::uint32_t { train_lane, test_lane, train_noise_lane, test_noise_lane };

void check(const SyntheticOptions& options) {
  const auto need = [](std::int64_t value, std::int64_t low, std::int64_t high, const char* key) {
    if (value >= low && value <= high) return;
    throw SettingsError(std::string("data.") + key, std::to_string(value) + " is out of range: use " +
                                                        std::to_string(low) + " to " + std::to_string(high));
  };
  need(options.train, 1, 10'000'000, "train");
  need(options.test, 1, 10'000'000, "test");
  need(options.channels, 1, 16, "channels");
  need(options.h, 8, 1024, "height");
  need(options.w, 8, 1024, "width");
  need(options.classes, 2, most_made_classes, "classes");
}

/// Whether (dy, dx) from the centre lies in a shape of radius r.
bool inside(std::int64_t shape, std::int64_t dy, std::int64_t dx, std::int64_t r) {
  const std::int64_t square = std::max(std::abs(dy), std::abs(dx));
  const std::int64_t circle = dy * dy + dx * dx;
  const std::int64_t thick = std::max<std::int64_t>(r / 3, 1);
  switch (shape) {
    case 0:
      return circle <= r * r;
    case 1:
      return square <= r;
    case 2:
      return dy >= -r && dy <= r && 2 * std::abs(dx) <= dy + r;
    case 3:
      return square <= r && std::min(std::abs(dy), std::abs(dx)) < thick;
    case 4:
      return circle <= r * r && circle > (r - thick) * (r - thick);
    default:
      return square <= r && square > r - thick;
  }
}

bool textured(std::int64_t texture, std::int64_t dy, std::int64_t dx) {
  // Two pixels wide: one would vanish in a strided convolution.
  const bool odd_row = ((dy + 1024) / 2) % 2 != 0;
  const bool odd_column = ((dx + 1024) / 2) % 2 != 0;
  switch (texture) {
    case 0:
      return true;
    case 1:
      return odd_column;
    case 2:
      return odd_row;
    default:
      return odd_row != odd_column;
  }
}

std::int64_t below(std::uint32_t draw, std::int64_t bound) {
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(draw) * static_cast<std::uint64_t>(bound)) >> 32U);
}

void paint(const SyntheticOptions& o, std::int64_t label, const Draws& draws, std::uint8_t* pixels) {
  const std::int64_t smaller = std::min(o.h, o.w);
  const std::int64_t r = smaller / 4 + below(draws.v[0], smaller / 8 + 1);
  const std::int64_t cy = o.h / 2 + below(draws.v[1], 2 * (o.h / 8) + 1) - o.h / 8;
  const std::int64_t cx = o.w / 2 + below(draws.v[2], 2 * (o.w / 8) + 1) - o.w / 8;
  const std::int64_t bright = 120 + below(draws.v[3], 80);
  const auto shape_count = static_cast<std::int64_t>(shapes.size());
  for (std::int64_t y = 0; y < o.h; ++y) {
    for (std::int64_t x = 0; x < o.w; ++x) {
      const bool lit = inside(label % shape_count, y - cy, x - cx, r) && textured(label / shape_count, y - cy, x - cx);
      for (std::int64_t c = 0; c < o.channels; ++c) {
        // Each class has a colour of its own where there are channels for one.
        const std::int64_t colour = o.channels == 1 ? 0 : 35 * ((label + c) % 3);
        *pixels++ = static_cast<std::uint8_t>(lit ? bright - colour : 40);
      }
    }
  }
}

/// Adds triangular noise of up to +-38 to every byte.
void add_noise(std::uint8_t* pixels, std::int64_t bytes, const RandomStream& stream, std::int64_t image) {
  const auto base = static_cast<std::uint64_t>(image) << 32U;
  for (std::int64_t i = 0; i < bytes; i += 8) {
    const Draws draws = stream.draws(base + static_cast<std::uint64_t>(i / 8));
    for (std::int64_t j = 0; j < std::min<std::int64_t>(8, bytes - i); ++j) {
      const std::uint32_t word = draws.v[j / 2] >> (16 * (j % 2));
      const auto noise =
          (static_cast<std::int64_t>(word & 255U) + static_cast<std::int64_t>((word >> 8U) & 255U) - 255);
      pixels[i + j] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(pixels[i + j] + noise * 3 / 20, 0, 255));
    }
  }
}

ImageSet make_split(const SyntheticOptions& o, std::int64_t n, std::uint64_t seed, Lane lane, Lane noise_lane) {
  ImageSet set{Tensor::host(Shape{n, o.h, o.w, o.channels}, DType::uint8), Tensor::host(Shape{n}, DType::int32)};
  const RandomStream stream(seed, Stream::synthetic, lane);
  const RandomStream noise(seed, Stream::synthetic, noise_lane);
  const std::int64_t bytes = o.h * o.w * o.channels;
  std::uint8_t* pixels = set.images.data<std::uint8_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t label = i % o.classes;
    set.labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(label);
    paint(o, label, stream.draws(static_cast<std::uint64_t>(i)), pixels + i * bytes);
    add_noise(pixels + i * bytes, bytes, noise, i);
  }
  return set;
}

}  // namespace

Dataset make_synthetic(const SyntheticOptions& options, std::uint64_t seed) {
  check(options);
  Dataset set;
  set.name = "synthetic shapes";
  set.channels = options.channels;
  set.h = options.h;
  set.w = options.w;
  set.classes = options.classes;
  for (std::int64_t k = 0; k < options.classes; ++k) {
    const auto at = static_cast<std::size_t>(k);
    set.class_names.push_back(std::string(textures[at / shapes.size()]) + shapes[at % shapes.size()]);
  }
  set.train = make_split(options, options.train, seed, train_lane, train_noise_lane);
  set.test = make_split(options, options.test, seed, test_lane, test_noise_lane);
  return set;
}

}  // namespace scnn
