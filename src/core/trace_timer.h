#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "core/trace.h"

namespace scnn {

/// Where the time of a thread went.  Times are nanoseconds.
struct RangeTimes {
  /// Ranges of one name inside ranges of one other place: a node of the tree.
  struct Place {
    std::string name;
    int parent = -1;  ///< index of the place around it, -1 for none
  };
  /// One range.
  struct Event {
    int place = 0;
    std::int64_t begin = 0, end = 0;  ///< since the first range began
  };
  /// All ranges of one place.
  struct Total {
    std::int64_t calls = 0, time = 0;
    std::int64_t self = 0;                   ///< time without the ranges inside
    std::int64_t shortest = 0, longest = 0;  ///< single ranges
  };
  std::vector<Place> places;  ///< a parent before its children, in the order of their first range
  std::vector<Event> events;  ///< in the order in which they began

  /// One for each place.
  [[nodiscard]] std::vector<Total> totals() const;
};

/// The built-in timer.  At both ends of a range it first lets `wait` return: with Backend::synchronize the times are
/// those of the device's work that was asked for inside, and the device works on nothing else meanwhile.
class TraceTimer : public TraceSink {
 public:
  using Clock = std::function<std::int64_t()>;  ///< nanoseconds that never go back

  explicit TraceTimer(std::function<void()> wait, Clock clock = steady_clock);

  void begin(std::string_view name, std::string_view member) override;
  void end() noexcept override;

  /// What was heard; Error(bug) while a range is open.  Rethrows what `wait` failed with at the end of a range.
  [[nodiscard]] const RangeTimes& times() const;

 private:
  static std::int64_t steady_clock();
  [[nodiscard]] int place(std::string_view name, std::string_view member);

  std::function<void()> wait_;
  Clock clock_;
  std::int64_t origin_ = 0;
  RangeTimes times_;
  std::vector<int> top_;                    ///< places that lie in no other
  std::vector<std::vector<int>> children_;  ///< of each place
  std::vector<std::size_t> open_;           ///< events, the innermost last
  std::string name_;                        ///< of the place looked for; kept for its memory
  std::exception_ptr failure_;
};

}  // namespace scnn
