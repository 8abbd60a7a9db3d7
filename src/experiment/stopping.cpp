#include "scnn/experiment/stopping.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>

namespace scnn {
namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void on_signal(int signal) {
  if (received == SIGINT && signal == SIGINT) ::_exit(static_cast<int>(ErrorKind::interrupted));
  received = signal;
}

}  // namespace

void watch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
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
    if (received == SIGINT) return StopRequest{ErrorKind::interrupted, "interrupted"};
    if (received == SIGTERM) return StopRequest{ErrorKind::stopped, "stopped by SIGTERM"};
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - start;
    if (max_seconds > 0 && gone.count() >= max_seconds) return StopRequest{ErrorKind::stopped, "--max-time is over"};
    return std::nullopt;
  };
}

}  // namespace scnn
