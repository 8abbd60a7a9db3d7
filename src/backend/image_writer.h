#pragma once

#include <cstdint>
#include <vector>

#include "scnn/backend/augment.h"

namespace scnn {

/// Augments and normalizes images on the host, a row at a time: Backend::load_images for one image, auto_augment
/// included.
class ImageWriter {
 public:
  /// `table` [channels, 256]: what each value of a pixel becomes.
  ImageWriter(std::int32_t h, std::int32_t w, std::vector<float> table, const AugmentSteps& steps);

  /// from, to [h, w, channels]; `image` is the index its draws have in `stream`.
  void write(const std::uint8_t* from, std::int64_t image, const RandomStream& stream, float* to) const;

 private:
  /// `pixels` pixels; the next one lies `step` pixels on (1) or back (-1).
  void write_pixels(const std::uint8_t* from, std::int32_t step, std::int64_t pixels, float* to) const;
  /// The image that the steps from the last auto_augment on start with, in `room`; null: as stored.  `now` is its
  /// extent, `first` the step they start with.
  const std::uint8_t* change(const std::uint8_t* from, std::int64_t image, const RandomStream& stream, ImageExtent& now,
                             int& first, std::vector<std::uint8_t>& room) const;
  /// Raw zeros, normalized.
  void write_zeros(float* to, std::int64_t pixels) const;

  std::int32_t h_, w_, channels_;
  std::vector<float> table_;
  AugmentSteps steps_;
};

}  // namespace scnn
