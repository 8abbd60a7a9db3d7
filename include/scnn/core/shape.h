#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace scnn {

/// Extents of a tensor, outermost first, at most `max_rank` of them.  A rank-0 shape has one element.
class Shape {
 public:
  static constexpr int max_rank = 5;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  [[nodiscard]] int rank() const noexcept { return rank_; }
  /// Extent of `axis`; negative axes count from the end (-1 is the last, the channels).
  [[nodiscard]] std::int64_t operator[](int axis) const;
  void set(int axis, std::int64_t extent);
  /// Product of the extents.
  [[nodiscard]] std::int64_t size() const noexcept;
  [[nodiscard]] std::span<const std::int64_t> extents() const noexcept;
  /// "[512, 28, 28, 1]"
  [[nodiscard]] std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept;

 private:
  std::array<std::int64_t, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace scnn
