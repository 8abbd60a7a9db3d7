#include "scnn/backend/image_writer.h"

#include <algorithm>
#include <utility>

namespace scnn {

ImageWriter::ImageWriter(std::int32_t h, std::int32_t w, std::vector<float> table, const AugmentSteps& steps)
    : h_(h), w_(w), channels_(static_cast<std::int32_t>(table.size() / 256)), table_(std::move(table)), steps_(steps) {}

void ImageWriter::write_pixels(const std::uint8_t* from, std::int32_t step, std::int64_t pixels, float* to) const {
  for (std::int64_t i = 0; i < pixels; ++i, from += step * channels_) {
    for (std::int32_t c = 0; c < channels_; ++c) *to++ = table_[256 * static_cast<std::size_t>(c) + from[c]];
  }
}

void ImageWriter::write_zeros(float* to, std::int64_t pixels) const {
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (std::int32_t c = 0; c < channels_; ++c) *to++ = table_[256 * static_cast<std::size_t>(c)];
  }
}

void ImageWriter::write(const std::uint8_t* from, std::int64_t image, const RandomStream& stream, float* to) const {
  if (steps_.count == 0) return write_pixels(from, 1, static_cast<std::int64_t>(h_) * w_, to);
  const AugmentPlan plan = plan_of_image(steps_, stream, image, h_, w_);
  // As pixel_source() says, a row at a time.
  const AugmentPlan::Box& shown = plan.shown;
  for (std::int32_t y = 0; y < h_; ++y) {
    float* row = to + static_cast<std::int64_t>(y) * w_ * channels_;
    const bool any = y >= shown.y0 && y < shown.y1 && shown.x0 < shown.x1;
    write_zeros(row, any ? shown.x0 : w_);
    if (!any) continue;
    const std::int64_t first =
        static_cast<std::int64_t>(y + plan.offset_y) * w_ + plan.offset_x + plan.sign_x * shown.x0;
    write_pixels(from + first * channels_, plan.sign_x, shown.x1 - shown.x0, row + shown.x0 * channels_);
    write_zeros(row + shown.x1 * channels_, w_ - shown.x1);
  }
  for (std::int32_t i = 0; i < plan.hole_count; ++i) {
    const AugmentPlan::Box& hole = plan.holes[i];
    for (std::int32_t y = hole.y0; y < hole.y1 && hole.x0 < hole.x1; ++y) {
      float* row = to + static_cast<std::int64_t>(y) * w_ * channels_;
      std::fill(row + hole.x0 * channels_, row + hole.x1 * channels_, 0.0F);
    }
  }
}

}  // namespace scnn
