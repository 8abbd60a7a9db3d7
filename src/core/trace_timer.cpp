#include "core/trace_timer.h"

#include <algorithm>
#include <chrono>

#include "scnn/core/error.h"

namespace scnn {

std::vector<RangeTimes::Total> RangeTimes::totals() const {
  std::vector<Total> totals(places.size());
  for (const Event& event : events) {
    Total& total = totals[static_cast<std::size_t>(event.place)];
    const std::int64_t time = event.end - event.begin;
    total.shortest = total.calls == 0 ? time : std::min(total.shortest, time);
    total.longest = std::max(total.longest, time);
    total.time += time;
    total.self += time;
    ++total.calls;
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].parent >= 0) totals[static_cast<std::size_t>(places[i].parent)].self -= totals[i].time;
  }
  return totals;
}

TraceTimer::TraceTimer(std::function<void()> wait, Clock clock) : wait_(std::move(wait)), clock_(std::move(clock)) {}

std::int64_t TraceTimer::steady_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int TraceTimer::place(std::string_view name, std::string_view member) {
  name_ = name;
  if (!member.empty()) name_.append("/").append(member);
  const int parent = open_.empty() ? -1 : times_.events[open_.back()].place;
  std::vector<int>& siblings = parent < 0 ? top_ : children_[static_cast<std::size_t>(parent)];
  for (const int sibling : siblings) {
    if (times_.places[static_cast<std::size_t>(sibling)].name == name_) return sibling;
  }
  const int made = static_cast<int>(times_.places.size());
  siblings.push_back(made);
  times_.places.push_back({name_, parent});
  children_.emplace_back();
  return made;
}

void TraceTimer::begin(std::string_view name, std::string_view member) {
  const int where = place(name, member);
  wait_();
  open_.push_back(times_.events.size());
  times_.events.push_back({where, 0, 0});
  // The clock last here and first at the end: what the timer does itself is in the time of the range around.
  const std::int64_t now = clock_();
  if (times_.events.size() == 1) origin_ = now;
  times_.events.back().begin = now - origin_;
}

void TraceTimer::end() noexcept {
  try {
    wait_();
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
  times_.events[open_.back()].end = clock_() - origin_;
  open_.pop_back();
}

const RangeTimes& TraceTimer::times() const {
  if (failure_) std::rethrow_exception(failure_);
  require(open_.empty(), ErrorKind::bug, "TraceTimer: a range is still open");
  return times_;
}

}  // namespace scnn
