#include "backend/auto_augment.h"

#include <cmath>

#include "scnn/backend/augment.h"

namespace scnn {
namespace {

using enum AutoAugmentOp;

constexpr std::array<AutoAugmentStep, 2> policy[] = {
    {{{invert, 0.1F, 0}, {contrast, 0.2F, 6}}},           {{{rotate, 0.7F, 2}, {translate_x, 0.3F, 9}}},
    {{{sharpness, 0.8F, 1}, {sharpness, 0.9F, 3}}},       {{{shear_y, 0.5F, 8}, {translate_y, 0.7F, 9}}},
    {{{auto_contrast, 0.5F, 0}, {equalize, 0.9F, 0}}},    {{{shear_y, 0.2F, 7}, {posterize, 0.3F, 7}}},
    {{{color, 0.4F, 3}, {brightness, 0.6F, 7}}},          {{{sharpness, 0.3F, 9}, {brightness, 0.7F, 9}}},
    {{{equalize, 0.6F, 0}, {equalize, 0.5F, 0}}},         {{{contrast, 0.6F, 7}, {sharpness, 0.6F, 5}}},
    {{{color, 0.7F, 7}, {translate_x, 0.5F, 8}}},         {{{equalize, 0.3F, 0}, {auto_contrast, 0.4F, 0}}},
    {{{translate_y, 0.4F, 3}, {sharpness, 0.2F, 6}}},     {{{brightness, 0.9F, 6}, {color, 0.2F, 8}}},
    {{{solarize, 0.5F, 2}, {invert, 0.0F, 0}}},           {{{equalize, 0.2F, 0}, {auto_contrast, 0.6F, 0}}},
    {{{equalize, 0.2F, 0}, {equalize, 0.6F, 0}}},         {{{color, 0.9F, 9}, {equalize, 0.6F, 0}}},
    {{{auto_contrast, 0.8F, 0}, {solarize, 0.2F, 8}}},    {{{brightness, 0.1F, 3}, {color, 0.7F, 0}}},
    {{{solarize, 0.4F, 5}, {auto_contrast, 0.9F, 0}}},    {{{translate_y, 0.9F, 9}, {translate_y, 0.7F, 9}}},
    {{{auto_contrast, 0.9F, 0}, {solarize, 0.8F, 3}}},    {{{equalize, 0.8F, 0}, {invert, 0.1F, 0}}},
    {{{translate_y, 0.7F, 9}, {auto_contrast, 0.9F, 0}}},
};

/// Element `level` of torch.linspace(low, high, 10), in its single precision.
double level_between(double low, double high, int level) {
  const float step = (static_cast<float>(high) - static_cast<float>(low)) / 9.0F;
  return level < 5 ? static_cast<float>(low) + step * static_cast<float>(level)
                   : static_cast<float>(high) - step * static_cast<float>(9 - level);
}

}  // namespace

std::span<const std::array<AutoAugmentStep, 2>> cifar10_policy() { return policy; }

void apply(AutoAugmentOp op, int level, bool negative, Picture& image) {
  const auto sided = [&](double most) { return (negative ? -1.0 : 1.0) * level_between(0, most, level); };
  const auto pixels = [&](std::int32_t extent) { return std::trunc(sided(150.0 / 331.0 * extent)); };
  switch (op) {
    case shear_y:  // about the corner
      return picture::affine(image, {1, 0, 0, sided(0.3), 1, 0});
    case translate_x:
      return picture::affine(image, {1, 0, -pixels(image.w), 0, 1, 0});
    case translate_y:
      return picture::affine(image, {1, 0, 0, 0, 1, -pixels(image.h)});
    case rotate:
      return picture::rotate(image, sided(30));
    case brightness:
      return picture::brightness(image, 1.0 + sided(0.9));
    case color:
      return picture::color(image, 1.0 + sided(0.9));
    case contrast:
      return picture::contrast(image, 1.0 + sided(0.9));
    case sharpness:
      return picture::sharpness(image, 1.0 + sided(0.9));
    case posterize:
      return picture::posterize(image, 8 - static_cast<int>(std::nearbyint(level * 4 / 9.0)));
    case solarize:
      return picture::solarize(image, level_between(255, 0, level));
    case auto_contrast:
      return picture::auto_contrast(image);
    case equalize:
      return picture::equalize(image);
    case invert:
      return picture::invert(image);
  }
}

void auto_augment(const Draws& draws, Picture& image) {
  const auto& steps = policy[augment_below(draws.v[0], static_cast<std::int32_t>(std::size(policy)))];
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (uniform(draws.v[1 + i]) < steps[i].probability) {
      apply(steps[i].op, steps[i].level, (draws.v[3] >> i & 1U) != 0, image);
    }
  }
}

}  // namespace scnn
