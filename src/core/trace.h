#pragma once

#include <string_view>

namespace scnn {

/// Hears the ranges of one thread while TraceListener lives: every begin has its end, properly nested.
class TraceSink {
 public:
  TraceSink() = default;
  TraceSink(const TraceSink&) = delete;
  TraceSink& operator=(const TraceSink&) = delete;
  virtual ~TraceSink() = default;

  /// A range called `name`, or "name/member" where it is about one of several, such as a layer.
  virtual void begin(std::string_view name, std::string_view member) = 0;
  virtual void end() noexcept = 0;
};

/// A named stretch of the calling thread's time, from its construction to its destruction.  Costs two nanoseconds
/// where nobody listens.  The characters of its name must live as long as it does.
class TraceScope {
 public:
  explicit TraceScope(std::string_view name, std::string_view member = {})
      : name_(name), member_(member), outer_(innermost) {
    if (listener != nullptr) listener->begin(name_, member_);
    innermost = this;
  }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
  /// Whether somebody listens to the calling thread.
  [[nodiscard]] static bool traced() { return listener != nullptr; }
  ~TraceScope() {
    innermost = outer_;
    if (listener != nullptr) listener->end();
  }

 private:
  friend class TraceListener;
  // A thread's own: the batch loader's thread and a trainer beside this one are not traced.
  inline static thread_local TraceSink* listener = nullptr;
  inline static thread_local const TraceScope* innermost = nullptr;

  std::string_view name_, member_;
  const TraceScope* outer_;
};

/// Lets `sink` hear the calling thread's ranges for as long as this object lives.  Ranges already open are begun then,
/// the outermost first, and those still open are ended with it: listening may start and stop inside an epoch.
class TraceListener {
 public:
  /// Error(bug) where somebody listens to this thread already.
  explicit TraceListener(TraceSink& sink);
  TraceListener(const TraceListener&) = delete;
  TraceListener& operator=(const TraceListener&) = delete;
  ~TraceListener();
};

}  // namespace scnn
