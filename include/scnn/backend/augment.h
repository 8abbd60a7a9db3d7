#pragma once

#include <cmath>
#include <cstdint>

#include "scnn/core/host_device.h"
#include "scnn/core/random.h"

/// The maths of augmentation, once for every backend: what is drawn for an image, and which pixel of the stored image
/// each pixel of the augmented one comes from.
namespace scnn {

/// One augmentation in plain numbers, so that a kernel can take it by value.
struct AugmentStep {
  enum class Kind : std::uint8_t {
    pad_crop,
    horizontal_flip,
    cutout,
    pad,
    crop,  ///< to the stored image's size, at a random place
    random_erasing,
    auto_augment,  ///< changes values, not places: on the host alone (src/backend/auto_augment.h)
  };
  Kind kind = Kind::pad_crop;
  std::int32_t extent = 0;  ///< pad_crop, pad: zeros on every side; cutout: side of the square
  float probability = 1;    ///< horizontal_flip, random_erasing
  float area[2] = {0, 0};   ///< random_erasing: least and most share of the image
  float ratio[2] = {1, 1};  ///< random_erasing: least and most height over width
};

/// At most this many steps in a list.
constexpr int max_augment_steps = 16;

/// A list of steps, in order.
struct AugmentSteps {
  AugmentStep step[max_augment_steps];
  int count = 0;
};

/// What was drawn for one step and image.
struct AugmentDraw {
  AugmentStep::Kind kind = AugmentStep::Kind::pad_crop;
  /// pad_crop, pad, crop: place of the result's corner in the image before the step; else the hole's corner.
  std::int32_t y = 0, x = 0;
  std::int32_t hole_h = 0, hole_w = 0;  ///< cutout, random_erasing
  bool flip = false;
  std::int32_t h = 0, w = 0;  ///< of the image before the step
};

/// Where a pixel of the augmented image comes from.
struct PixelSource {
  enum class Kind : std::uint8_t {
    image,  ///< pixel (y, x) of the stored image
    zero,   ///< padding, or erased: a raw pixel of value 0, normalized like any other
    mean,   ///< cut out: the mean colour, 0 after normalization
  };
  Kind kind = Kind::image;
  std::int32_t y = 0, x = 0;
};

/// Uniform integer in [0, bound), from one draw.
SCNN_HOST_DEVICE inline std::int32_t augment_below(std::uint32_t draw, std::int32_t bound) {
  return static_cast<std::int32_t>((static_cast<std::uint64_t>(draw) * static_cast<std::uint64_t>(bound)) >> 32);
}

/// Index of the first draws of step number `index` of the list for image `image`; further ones are 2^48 apart.
SCNN_HOST_DEVICE inline std::uint64_t augment_index(std::int64_t image, int index) {
  return static_cast<std::uint64_t>(image) * max_augment_steps + static_cast<std::uint64_t>(index);
}

/// The hole of torchvision.transforms.RandomErasing (Zhong et al., arXiv 1708.04896) in an image of drawn.h x drawn.w:
/// the first of ten tries whose sides are smaller than the image's; none else.
SCNN_HOST_DEVICE inline void draw_erasing(const AugmentStep& step, const RandomStream& stream, std::uint64_t first,
                                          AugmentDraw& drawn) {
  if (uniform(stream.draws(first).v[0]) >= step.probability) return;
  for (std::uint64_t attempt = 1; attempt <= 10; ++attempt) {
    const Draws draws = stream.draws(first + (attempt << 48));
    const auto between = [](double low, double high, std::uint32_t draw) { return low + (high - low) * uniform(draw); };
    const double area = drawn.h * drawn.w * between(step.area[0], step.area[1], draws.v[0]);
    const double ratio =
        std::exp(between(std::log(double{step.ratio[0]}), std::log(double{step.ratio[1]}), draws.v[1]));
    const auto h = static_cast<std::int32_t>(std::rint(std::sqrt(area * ratio)));
    const auto w = static_cast<std::int32_t>(std::rint(std::sqrt(area / ratio)));
    if (h >= drawn.h || w >= drawn.w) continue;
    drawn.hole_h = h;
    drawn.hole_w = w;
    drawn.y = augment_below(draws.v[2], drawn.h - h + 1);
    drawn.x = augment_below(draws.v[3], drawn.w - w + 1);
    return;
  }
}

/// Height and width of an image between steps.
struct ImageExtent {
  std::int32_t h = 0, w = 0;
};

/// The draw of step number `index` of the list for image `image` (its index in the split), which has the extent `now`
/// before the step and was stored with `stored`.  `stream` is RandomStream(seed, Stream::augment, epoch): the draw
/// depends on nothing else.
SCNN_HOST_DEVICE inline AugmentDraw draw_augmentation(const AugmentStep& step, int index, const RandomStream& stream,
                                                      std::int64_t image, ImageExtent now, ImageExtent stored) {
  const std::uint64_t first = augment_index(image, index);
  const Draws draws = stream.draws(first);
  AugmentDraw drawn;
  drawn.kind = step.kind;
  drawn.h = now.h;
  drawn.w = now.w;
  switch (step.kind) {
    case AugmentStep::Kind::pad_crop:
      drawn.y = augment_below(draws.v[0], 2 * step.extent + 1) - step.extent;
      drawn.x = augment_below(draws.v[1], 2 * step.extent + 1) - step.extent;
      break;
    case AugmentStep::Kind::horizontal_flip:
      drawn.flip = uniform(draws.v[0]) < step.probability;
      break;
    case AugmentStep::Kind::cutout:  // the centre is uniform over the image, so holes may be cut off at the border
      drawn.hole_h = drawn.hole_w = step.extent;
      drawn.y = augment_below(draws.v[0], now.h) - step.extent / 2;
      drawn.x = augment_below(draws.v[1], now.w) - step.extent / 2;
      break;
    case AugmentStep::Kind::pad:
      drawn.y = drawn.x = -step.extent;
      break;
    case AugmentStep::Kind::crop:
      drawn.y = augment_below(draws.v[0], now.h - stored.h + 1);
      drawn.x = augment_below(draws.v[1], now.w - stored.w + 1);
      break;
    case AugmentStep::Kind::random_erasing:
      draw_erasing(step, stream, first, drawn);
      break;
    case AugmentStep::Kind::auto_augment:  // draws for itself
      break;
  }
  return drawn;
}
/// The same for a step at which the image has the size it was stored with.
SCNN_HOST_DEVICE inline AugmentDraw draw_augmentation(const AugmentStep& step, int index, const RandomStream& stream,
                                                      std::int64_t image, std::int32_t h, std::int32_t w) {
  return draw_augmentation(step, index, stream, image, {h, w}, {h, w});
}

/// The image's extent behind a step.
SCNN_HOST_DEVICE inline ImageExtent extent_after(const AugmentStep& step, ImageExtent now, ImageExtent stored) {
  if (step.kind == AugmentStep::Kind::pad) return {now.h + 2 * step.extent, now.w + 2 * step.extent};
  return step.kind == AugmentStep::Kind::crop ? stored : now;
}

/// What steps do to the places of one image: pixel (y, x) of the result is that of the first hole it lies in, else raw
/// zero outside `shown`, else pixel (y + offset_y, sign_x * x + offset_x) of the stored image.
struct AugmentPlan {
  struct Box {
    std::int32_t y0, x0, y1, x1;  ///< the ends are outside

    SCNN_HOST_DEVICE bool contains(std::int32_t y, std::int32_t x) const {
      return y >= y0 && y < y1 && x >= x0 && x < x1;
    }
    SCNN_HOST_DEVICE Box clipped(const Box& to) const {
      return {y0 > to.y0 ? y0 : to.y0, x0 > to.x0 ? x0 : to.x0, y1 < to.y1 ? y1 : to.y1, x1 < to.x1 ? x1 : to.x1};
    }
  };
  std::int32_t offset_y = 0, offset_x = 0, sign_x = 1;
  std::int32_t hole_count = 0;
  Box shown{};
  Box holes[max_augment_steps];    ///< of later steps first
  bool erased[max_augment_steps];  ///< whether the hole is raw zero, not the mean colour

  /// `box`, in coordinates that this plan's map leads to, seen from the result.
  SCNN_HOST_DEVICE Box seen(const Box& box) const {
    const std::int32_t left = sign_x > 0 ? box.x0 - offset_x : offset_x - box.x1 + 1;
    return {box.y0 - offset_y, left, box.y1 - offset_y, left + box.x1 - box.x0};
  }
};

/// The plan of `count` draws, `drawn` in the order of the steps, which lead to an image of h x w.
SCNN_HOST_DEVICE inline AugmentPlan plan_augmentation(const AugmentDraw* drawn, int count, std::int32_t h,
                                                      std::int32_t w) {
  AugmentPlan plan;
  plan.shown = {0, 0, h, w};
  // From the result back to the image: the map so far leads to the coordinates after step i.
  for (int i = count - 1; i >= 0; --i) {
    const AugmentDraw& step = drawn[i];
    switch (step.kind) {
      case AugmentStep::Kind::pad_crop:
      case AugmentStep::Kind::pad:
      case AugmentStep::Kind::crop:
        plan.offset_y += step.y;
        plan.offset_x += step.x;
        plan.shown = plan.seen({0, 0, step.h, step.w}).clipped(plan.shown);
        break;
      case AugmentStep::Kind::horizontal_flip:
        if (step.flip) {
          plan.sign_x = -plan.sign_x;
          plan.offset_x = step.w - 1 - plan.offset_x;
        }
        break;
      case AugmentStep::Kind::cutout:  // zeros that come in later lie over the hole
      case AugmentStep::Kind::random_erasing:
        plan.erased[plan.hole_count] = step.kind == AugmentStep::Kind::random_erasing;
        plan.holes[plan.hole_count++] =
            plan.seen({step.y, step.x, step.y + step.hole_h, step.x + step.hole_w}).clipped(plan.shown);
        break;
      case AugmentStep::Kind::auto_augment:
        break;
    }
  }
  return plan;
}

/// The plan of steps first to end - 1 for image `image`, which comes to them with the extent `now` and leaves them with
/// that.
SCNN_HOST_DEVICE inline AugmentPlan plan_of_steps(const AugmentSteps& steps, int first, int end,
                                                  const RandomStream& stream, std::int64_t image, ImageExtent& now,
                                                  ImageExtent stored) {
  AugmentDraw drawn[max_augment_steps];
  for (int i = first; i < end; ++i) {
    drawn[i - first] = draw_augmentation(steps.step[i], i, stream, image, now, stored);
    now = extent_after(steps.step[i], now, stored);
  }
  return plan_augmentation(drawn, end - first, now.h, now.w);
}

/// The plan of image `image`, from the draws of all steps.
SCNN_HOST_DEVICE inline AugmentPlan plan_of_image(const AugmentSteps& steps, const RandomStream& stream,
                                                  std::int64_t image, std::int32_t h, std::int32_t w) {
  ImageExtent now{h, w};
  return plan_of_steps(steps, 0, steps.count, stream, image, now, {h, w});
}

/// Where pixel (y, x) of the augmented image comes from.
SCNN_HOST_DEVICE inline PixelSource pixel_source(const AugmentPlan& plan, std::int32_t y, std::int32_t x) {
  for (std::int32_t i = 0; i < plan.hole_count; ++i) {
    if (!plan.holes[i].contains(y, x)) continue;
    return {plan.erased[i] ? PixelSource::Kind::zero : PixelSource::Kind::mean, 0, 0};
  }
  if (!plan.shown.contains(y, x)) return {PixelSource::Kind::zero, 0, 0};
  return {PixelSource::Kind::image, y + plan.offset_y, plan.sign_x * x + plan.offset_x};
}

}  // namespace scnn
