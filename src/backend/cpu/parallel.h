#pragma once

#include <algorithm>
#include <cstdint>

namespace scnn::cpu {

/// The OpenMP threads of one backend.
///
/// A loop runs on all of them or on the calling one, nothing between: libgomp ends and starts threads whenever a team
/// changes its size.
class Workers {
 public:
  explicit Workers(int count) : count_(count) {}

  [[nodiscard]] int count() const { return count_; }

  /// body(i) for i in [0, n), in any order; `elements` is the work in all, and little of it stays on this thread.
  template <class Body>
  void each(std::int64_t n, std::int64_t elements, const Body& body) const {
    if (count_ == 1 || n < 2 || elements < small_work) {
      for (std::int64_t i = 0; i < n; ++i) body(i);
      return;
    }
#pragma omp parallel for schedule(static) num_threads(count_)
    for (std::int64_t i = 0; i < n; ++i) body(i);
  }

  /// body(begin, end) over [0, n) cut into pieces of at most `piece`.  Pieces do not depend on the number of threads.
  template <class Body>
  void ranges(std::int64_t n, std::int64_t piece, std::int64_t elements, const Body& body) const {
    each((n + piece - 1) / piece, elements, [&](std::int64_t i) { body(i * piece, std::min(n, (i + 1) * piece)); });
  }

  /// ranges() for element-wise loops.
  template <class Body>
  void elements(std::int64_t n, const Body& body) const {
    ranges(n, element_piece, n, body);
  }

 private:
  static constexpr std::int64_t small_work = 1 << 15;  // starting a team costs about as much as this many elements
  static constexpr std::int64_t element_piece = 1 << 13;

  int count_;
};

}  // namespace scnn::cpu
