#include "scnn/core/shape.h"

#include <algorithm>

#include "scnn/core/error.h"

namespace scnn {

Shape::Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  require(extents.size() <= max_rank, ErrorKind::bug, "Shape: too many axes");
  for (const std::int64_t extent : extents) require(extent >= 0, ErrorKind::bug, "Shape: negative extent");
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::operator[](int axis) const {
  const int index = axis < 0 ? axis + rank_ : axis;
  require(index >= 0 && index < rank_, ErrorKind::bug, "Shape: axis out of range");
  return extents_[static_cast<std::size_t>(index)];
}

void Shape::set(int axis, std::int64_t extent) {
  const int index = axis < 0 ? axis + rank_ : axis;
  require(index >= 0 && index < rank_ && extent >= 0, ErrorKind::bug, "Shape: axis out of range");
  extents_[static_cast<std::size_t>(index)] = extent;
}

std::int64_t Shape::size() const noexcept {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents()) product *= extent;
  return product;
}

std::span<const std::int64_t> Shape::extents() const noexcept {
  return {extents_.data(), static_cast<std::size_t>(rank_)};
}

std::string Shape::str() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string((*this)[axis]);
  }
  return text + "]";
}

bool operator==(const Shape& a, const Shape& b) noexcept { return std::ranges::equal(a.extents(), b.extents()); }

}  // namespace scnn
