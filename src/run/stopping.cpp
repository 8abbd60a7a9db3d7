#include "run/stopping.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <mutex>
#include <string_view>
#include <thread>

namespace scnn {
namespace {

std::atomic<int> received = 0;

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

void watch(sigset_t set) {
  for (int signal = 0; ::sigwait(&set, &signal) == 0;) {
    if (received == SIGINT && signal == SIGINT) ::_exit(static_cast<int>(ErrorKind::interrupted));
    if (received == 0 && signal == SIGINT && ::isatty(STDERR_FILENO) == 1) {
      constexpr std::string_view told = "\nstopping after this step; Ctrl-C again ends the program at once\n";
      (void)!::write(STDERR_FILENO, told.data(), told.size());
    }
    received = signal;
  }
}

}  // namespace

// A thread that waits instead of a handler: oneDNN's generated matrix products (before 3.12) keep a heap address in the
// stack pointer, so a handler that interrupts one gets its frame written over the heap (uxlfoundation/oneDNN#4845).
void watch_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  (void)std::signal(SIGPIPE, SIG_IGN);  // training goes on when nobody reads its progress any more
  static std::once_flag once;
  std::call_once(once, [&set] { std::thread(watch, set).detach(); });
}

double parse_duration(const std::string& text) {
  const auto fail = [&] {
    throw Error(ErrorKind::usage, fmt::format("'{}' is no duration: write 90s, 15m, 2h or 1h30m", text));
  };
  double total = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end) fail();
  while (at < end) {
    double value = 0;
    const auto [stop, error] = std::from_chars(at, end, value, std::chars_format::fixed);
    if (error != std::errc() || !(value >= 0) || !std::isfinite(value)) fail();
    at = stop;
    switch (at < end ? *at++ : 's') {
      case 's':
        total += value;
        break;
      case 'm':
        total += value * 60;
        break;
      case 'h':
        total += value * 3600;
        break;
      case 'd':
        total += value * 86400;
        break;
      default:
        fail();
    }
  }
  if (!(total > 0)) fail();
  return total;
}

std::function<std::optional<StopRequest>()> stop_on_signal_or_after(double max_seconds) {
  const auto start = std::chrono::steady_clock::now();
  return [start, max_seconds]() -> std::optional<StopRequest> {
    const int signal = received;
    if (signal == SIGINT) return StopRequest{ErrorKind::interrupted, "interrupted"};
    if (signal == SIGTERM) return StopRequest{ErrorKind::stopped, "stopped by SIGTERM"};
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - start;
    if (max_seconds > 0 && gone.count() >= max_seconds) return StopRequest{ErrorKind::stopped, "--max-time is over"};
    return std::nullopt;
  };
}

}  // namespace scnn
