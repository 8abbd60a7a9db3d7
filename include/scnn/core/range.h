#pragma once

#include <string_view>

namespace scnn {

/// Hears the ranges of one thread while Listen lives: every begin has its end, properly nested.
class RangeSink {
 public:
  RangeSink() = default;
  RangeSink(const RangeSink&) = delete;
  RangeSink& operator=(const RangeSink&) = delete;
  virtual ~RangeSink() = default;

  /// A range called `name`, or "name/member" where it is about one of several, such as a layer.
  virtual void begin(std::string_view name, std::string_view member) = 0;
  virtual void end() noexcept = 0;
};

/// A named stretch of the calling thread's time, from its construction to its destruction.  Costs two nanoseconds
/// where nobody listens.  The characters of its name must live as long as it does.
class Range {
 public:
  explicit Range(std::string_view name, std::string_view member = {})
      : name_(name), member_(member), outer_(innermost) {
    if (heard_by != nullptr) heard_by->begin(name_, member_);
    innermost = this;
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  /// Whether somebody listens to the calling thread.
  [[nodiscard]] static bool heard() { return heard_by != nullptr; }
  ~Range() {
    innermost = outer_;
    if (heard_by != nullptr) heard_by->end();
  }

 private:
  friend class Listen;
  // A thread's own: the batch loader's thread and a trainer beside this one are not heard.
  inline static thread_local RangeSink* heard_by = nullptr;
  inline static thread_local const Range* innermost = nullptr;

  std::string_view name_, member_;
  const Range* outer_;
};

/// Lets `sink` hear the calling thread's ranges for as long as this object lives.  Ranges already open are begun then,
/// the outermost first, and those still open are ended with it: listening may start and stop inside an epoch.
class Listen {
 public:
  /// Error(bug) where somebody listens to this thread already.
  explicit Listen(RangeSink& sink);
  Listen(const Listen&) = delete;
  Listen& operator=(const Listen&) = delete;
  ~Listen();
};

}  // namespace scnn
