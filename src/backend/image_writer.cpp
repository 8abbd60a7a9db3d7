#include "backend/image_writer.h"

#include <algorithm>
#include <utility>

#include "backend/auto_augment.h"

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

const std::uint8_t* ImageWriter::change(const std::uint8_t* from, std::int64_t image, const RandomStream& stream,
                                        ImageExtent& now, int& first, std::vector<std::uint8_t>& room) const {
  const ImageExtent stored = now;
  for (int i = 0; i < steps_.count; ++i) {
    if (steps_.step[i].kind != AugmentStep::Kind::auto_augment) continue;
    const std::int32_t width = now.w;
    const AugmentPlan plan = plan_of_steps(steps_, first, i, stream, image, now, stored);
    Picture picture{now.h, now.w, channels_,
                    std::vector<std::uint8_t>(static_cast<std::size_t>(now.h) * now.w * channels_)};
    std::uint8_t* to = picture.pixels.data();
    for (std::int32_t y = 0; y < now.h; ++y) {
      for (std::int32_t x = 0; x < now.w; ++x, to += channels_) {
        const PixelSource source = pixel_source(plan, y, x);
        if (source.kind != PixelSource::Kind::image) continue;
        std::copy_n(from + (static_cast<std::int64_t>(source.y) * width + source.x) * channels_, channels_, to);
      }
    }
    auto_augment(stream.draws(augment_index(image, i)), picture);
    room = std::move(picture.pixels);
    from = room.data();
    first = i + 1;
  }
  return from;
}

void ImageWriter::write(const std::uint8_t* from, std::int64_t image, const RandomStream& stream, float* to) const {
  if (steps_.count == 0) return write_pixels(from, 1, static_cast<std::int64_t>(h_) * w_, to);
  ImageExtent now{h_, w_};
  int begin = 0;
  std::vector<std::uint8_t> room;
  from = change(from, image, stream, now, begin, room);
  const std::int32_t width = now.w;
  const AugmentPlan plan = plan_of_steps(steps_, begin, steps_.count, stream, image, now, {h_, w_});
  // As pixel_source() says, a row at a time.
  const AugmentPlan::Box& shown = plan.shown;
  for (std::int32_t y = 0; y < h_; ++y) {
    float* row = to + static_cast<std::int64_t>(y) * w_ * channels_;
    const bool any = y >= shown.y0 && y < shown.y1 && shown.x0 < shown.x1;
    write_zeros(row, any ? shown.x0 : w_);
    if (!any) continue;
    const std::int64_t first =
        static_cast<std::int64_t>(y + plan.offset_y) * width + plan.offset_x + plan.sign_x * shown.x0;
    write_pixels(from + first * channels_, plan.sign_x, shown.x1 - shown.x0, row + shown.x0 * channels_);
    write_zeros(row + shown.x1 * channels_, w_ - shown.x1);
  }
  for (std::int32_t i = plan.hole_count - 1; i >= 0; --i) {  // later steps' holes lie over earlier ones'
    const AugmentPlan::Box& hole = plan.holes[i];
    for (std::int32_t y = hole.y0; y < hole.y1 && hole.x0 < hole.x1; ++y) {
      float* row = to + static_cast<std::int64_t>(y) * w_ * channels_;
      if (plan.erased[i]) {
        write_zeros(row + hole.x0 * channels_, hole.x1 - hole.x0);
      } else {
        std::fill(row + hole.x0 * channels_, row + hole.x1 * channels_, 0.0F);
      }
    }
  }
}

}  // namespace scnn
