#include <vector>

#include "reference.h"

namespace scnn::test::reference {

Arrays load_images(const Array& pixels, const Array& labels, const Array& indices, const Array& table,
                   const AugmentSteps& steps, const RandomStream& stream) {
  const auto h = static_cast<std::int32_t>(pixels.shape[1]);
  const auto w = static_cast<std::int32_t>(pixels.shape[2]);
  const std::int64_t channels = pixels.shape[3];
  Arrays result{{"x", zeros({indices.size(), h, w, channels})}, {"y", zeros({indices.size()})}};
  result["y"].dtype = DType::int32;
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const auto image = static_cast<std::int64_t>(indices[i]);
    result["y"][i] = labels[image];
    for (std::int64_t c = 0; c < channels; ++c) {
      using Picture = std::vector<std::vector<double>>;
      Picture picture(static_cast<std::size_t>(h), std::vector<double>(static_cast<std::size_t>(w)));
      const auto at = [](const Picture& p, std::int32_t y, std::int32_t x) {
        return p[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
      };
      const auto each = [&](const auto& value) {
        Picture next = picture;
        for (std::int32_t y = 0; y < h; ++y) {
          for (std::int32_t x = 0; x < w; ++x)
            next[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] = value(y, x);
        }
        picture = next;
      };
      const auto shown = [&](double raw) { return table[256 * c + static_cast<std::int64_t>(raw)]; };
      each([&](std::int32_t y, std::int32_t x) { return shown(pixels[((image * h + y) * w + x) * channels + c]); });
      for (int s = 0; s < steps.count; ++s) {
        const AugmentDraw draw = draw_augmentation(steps.step[s], s, stream, image, h, w);
        switch (draw.kind) {
          case AugmentStep::Kind::pad_crop:
            each([&](std::int32_t y, std::int32_t x) {
              const bool inside = y + draw.y >= 0 && y + draw.y < h && x + draw.x >= 0 && x + draw.x < w;
              return inside ? at(picture, y + draw.y, x + draw.x) : shown(0);
            });
            break;
          case AugmentStep::Kind::horizontal_flip:
            if (draw.flip) each([&](std::int32_t y, std::int32_t x) { return at(picture, y, w - 1 - x); });
            break;
          case AugmentStep::Kind::cutout:
            each([&](std::int32_t y, std::int32_t x) {
              const bool hole = y >= draw.y && y < draw.y + draw.extent && x >= draw.x && x < draw.x + draw.extent;
              return hole ? 0.0 : at(picture, y, x);
            });
            break;
        }
      }
      for (std::int32_t y = 0; y < h; ++y) {
        for (std::int32_t x = 0; x < w; ++x) result["x"][((i * h + y) * w + x) * channels + c] = at(picture, y, x);
      }
    }
  }
  return result;
}

}  // namespace scnn::test::reference
