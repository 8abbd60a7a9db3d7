#include <vector>

#include "backend/auto_augment.h"
#include "reference.h"

namespace scnn::test::reference {
namespace {

/// Raw values [h][w][channels]; -1: the mean colour.
struct Image {
  std::int32_t h, w, channels;
  std::vector<int> raw;

  [[nodiscard]] int& at(std::int32_t y, std::int32_t x, std::int32_t c) {
    return raw[static_cast<std::size_t>((y * w + x) * channels + c)];
  }
  /// An image of the given extent whose pixels `value(y, x, c)` gives.
  template <class Value>
  void become(std::int32_t new_h, std::int32_t new_w, const Value& value) {
    Image next{new_h, new_w, channels, std::vector<int>(static_cast<std::size_t>(new_h * new_w * channels))};
    for (std::int32_t y = 0; y < new_h; ++y) {
      for (std::int32_t x = 0; x < new_w; ++x) {
        for (std::int32_t c = 0; c < channels; ++c) next.at(y, x, c) = value(y, x, c);
      }
    }
    *this = next;
  }
  /// As if zeros lay around the image.
  [[nodiscard]] int padded(std::int32_t y, std::int32_t x, std::int32_t c) {
    return y >= 0 && y < h && x >= 0 && x < w ? at(y, x, c) : 0;
  }
};

void carry_out(const AugmentStep& step, const AugmentDraw& draw, const Draws& own, std::int32_t h, std::int32_t w,
               Image& image) {
  const Image before = image;
  Image from = before;
  const auto hole = [&](int value) {
    image.become(before.h, before.w, [&](std::int32_t y, std::int32_t x, std::int32_t c) {
      const bool inside = y >= draw.y && y < draw.y + draw.hole_h && x >= draw.x && x < draw.x + draw.hole_w;
      return inside ? value : from.at(y, x, c);
    });
  };
  switch (step.kind) {
    case AugmentStep::Kind::pad_crop:
    case AugmentStep::Kind::crop:
      image.become(h, w, [&](auto y, auto x, auto c) { return from.padded(y + draw.y, x + draw.x, c); });
      break;
    case AugmentStep::Kind::pad:
      image.become(before.h + 2 * step.extent, before.w + 2 * step.extent,
                   [&](auto y, auto x, auto c) { return from.padded(y - step.extent, x - step.extent, c); });
      break;
    case AugmentStep::Kind::horizontal_flip:
      if (draw.flip)
        image.become(before.h, before.w, [&](auto y, auto x, auto c) { return from.at(y, from.w - 1 - x, c); });
      break;
    case AugmentStep::Kind::cutout:
      hole(-1);
      break;
    case AugmentStep::Kind::random_erasing:
      hole(0);
      break;
    case AugmentStep::Kind::auto_augment: {
      Picture picture{image.h, image.w, image.channels, {image.raw.begin(), image.raw.end()}};
      auto_augment(own, picture);
      image.raw.assign(picture.pixels.begin(), picture.pixels.end());
      break;
    }
  }
}

}  // namespace

Arrays load_images(const Array& pixels, const Array& labels, const Array& indices, const Array& table,
                   const AugmentSteps& steps, const RandomStream& stream) {
  const auto h = static_cast<std::int32_t>(pixels.shape[1]);
  const auto w = static_cast<std::int32_t>(pixels.shape[2]);
  const auto channels = static_cast<std::int32_t>(pixels.shape[3]);
  Arrays result{{"x", zeros({indices.size(), h, w, channels})}, {"y", zeros({indices.size()})}};
  result["y"].dtype = DType::int32;
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const auto index = static_cast<std::int64_t>(indices[i]);
    result["y"][i] = labels[index];
    Image image{h, w, channels, std::vector<int>(static_cast<std::size_t>(h * w * channels))};
    const auto size = static_cast<std::int64_t>(image.raw.size());
    for (std::int64_t at = 0; at < size; ++at) {
      image.raw[static_cast<std::size_t>(at)] = static_cast<int>(pixels[index * size + at]);
    }
    for (int s = 0; s < steps.count; ++s) {
      const AugmentDraw draw = draw_augmentation(steps.step[s], s, stream, index, {image.h, image.w}, {h, w});
      carry_out(steps.step[s], draw, stream.draws(static_cast<std::uint64_t>(index * max_augment_steps + s)), h, w,
                image);
    }
    for (std::int64_t at = 0; at < size; ++at) {
      const int raw = image.raw[static_cast<std::size_t>(at)];
      result["x"][i * size + at] = raw < 0 ? 0.0 : table[256 * (at % channels) + raw];
    }
  }
  return result;
}

}  // namespace scnn::test::reference
