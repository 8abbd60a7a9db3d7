#pragma once

#include <cstdint>

#include "scnn/core/host_device.h"
#include "scnn/core/random.h"

/// The maths of augmentation, once for every backend: what is drawn for an image, and which pixel of the stored image
/// each pixel of the augmented one comes from.
namespace scnn {

/// One augmentation in plain numbers, so that a kernel can take it by value.
struct AugmentStep {
  enum class Kind : std::uint8_t { pad_crop, horizontal_flip, cutout };
  Kind kind = Kind::pad_crop;
  std::int32_t extent = 0;  ///< pad_crop: zeros on every side; cutout: side of the square
  float probability = 1;    ///< horizontal_flip
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
  std::int32_t y = 0, x = 0;  ///< pad_crop: offset of the crop from the unpadded corner; cutout: the hole's corner
  std::int32_t extent = 0;    ///< cutout: side of the hole
  bool flip = false;
};

/// Where a pixel of the augmented image comes from.
struct PixelSource {
  enum class Kind : std::uint8_t {
    image,  ///< pixel (y, x) of the stored image
    zero,   ///< padding: a raw pixel of value 0, normalised like any other
    mean,   ///< a hole: the mean colour, 0 after normalisation
  };
  Kind kind = Kind::image;
  std::int32_t y = 0, x = 0;
};

/// Uniform integer in [0, bound), from one draw.
SCNN_HOST_DEVICE inline std::int32_t augment_below(std::uint32_t draw, std::int32_t bound) {
  return static_cast<std::int32_t>((static_cast<std::uint64_t>(draw) * static_cast<std::uint64_t>(bound)) >> 32);
}

/// The draw of step number `index` of the list for image `image` (its index in the split), h x w pixels.  `stream` is
/// RandomStream(seed, Stream::augment, epoch): the draw depends on nothing else.
SCNN_HOST_DEVICE inline AugmentDraw draw_augmentation(const AugmentStep& step, int index, const RandomStream& stream,
                                                      std::int64_t image, std::int32_t h, std::int32_t w) {
  const Draws draws =
      stream.draws(static_cast<std::uint64_t>(image) * max_augment_steps + static_cast<std::uint64_t>(index));
  AugmentDraw drawn;
  drawn.kind = step.kind;
  drawn.extent = step.extent;
  switch (step.kind) {
    case AugmentStep::Kind::pad_crop:
      drawn.y = augment_below(draws.v[0], 2 * step.extent + 1) - step.extent;
      drawn.x = augment_below(draws.v[1], 2 * step.extent + 1) - step.extent;
      break;
    case AugmentStep::Kind::horizontal_flip:
      drawn.flip = uniform(draws.v[0]) < step.probability;
      break;
    case AugmentStep::Kind::cutout:  // the centre is uniform over the image, so holes may be cut off at the border
      drawn.y = augment_below(draws.v[0], h) - step.extent / 2;
      drawn.x = augment_below(draws.v[1], w) - step.extent / 2;
      break;
  }
  return drawn;
}

/// What a whole list of steps does to one image: pixel (y, x) of the result is the mean colour in a hole, else raw zero
/// outside `shown`, else pixel (y + offset_y, sign_x * x + offset_x) of the stored image.
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
  Box holes[max_augment_steps];

  /// `box`, in coordinates that this plan's map leads to, seen from the result.
  SCNN_HOST_DEVICE Box seen(const Box& box) const {
    const std::int32_t left = sign_x > 0 ? box.x0 - offset_x : offset_x - box.x1 + 1;
    return {box.y0 - offset_y, left, box.y1 - offset_y, left + box.x1 - box.x0};
  }
};

/// The plan of `count` draws, `drawn` in the order of the steps.
SCNN_HOST_DEVICE inline AugmentPlan plan_augmentation(const AugmentDraw* drawn, int count, std::int32_t h,
                                                      std::int32_t w) {
  AugmentPlan plan;
  plan.shown = {0, 0, h, w};
  // From the result back to the image: the map so far leads to the coordinates after step i.
  for (int i = count - 1; i >= 0; --i) {
    const AugmentDraw& step = drawn[i];
    switch (step.kind) {
      case AugmentStep::Kind::pad_crop:
        plan.offset_y += step.y;
        plan.offset_x += step.x;
        plan.shown = plan.seen({0, 0, h, w}).clipped(plan.shown);
        break;
      case AugmentStep::Kind::horizontal_flip:
        if (step.flip) {
          plan.sign_x = -plan.sign_x;
          plan.offset_x = w - 1 - plan.offset_x;
        }
        break;
      case AugmentStep::Kind::cutout:  // zeros that come in later lie over the hole
        plan.holes[plan.hole_count++] =
            plan.seen({step.y, step.x, step.y + step.extent, step.x + step.extent}).clipped(plan.shown);
        break;
    }
  }
  return plan;
}

/// The plan of image `image`, from the draws of all steps.
SCNN_HOST_DEVICE inline AugmentPlan plan_of_image(const AugmentSteps& steps, const RandomStream& stream,
                                                  std::int64_t image, std::int32_t h, std::int32_t w) {
  AugmentDraw drawn[max_augment_steps];
  for (int i = 0; i < steps.count; ++i) drawn[i] = draw_augmentation(steps.step[i], i, stream, image, h, w);
  return plan_augmentation(drawn, steps.count, h, w);
}

/// Where pixel (y, x) of the augmented image comes from.
SCNN_HOST_DEVICE inline PixelSource pixel_source(const AugmentPlan& plan, std::int32_t y, std::int32_t x) {
  for (std::int32_t i = 0; i < plan.hole_count; ++i) {
    if (plan.holes[i].contains(y, x)) return {PixelSource::Kind::mean, 0, 0};
  }
  if (!plan.shown.contains(y, x)) return {PixelSource::Kind::zero, 0, 0};
  return {PixelSource::Kind::image, y + plan.offset_y, plan.sign_x * x + plan.offset_x};
}

}  // namespace scnn
