#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

/// Speed of the CUDA kernels, each beside the ceiling or the library that it is to be judged by, in one run.
namespace scnn::bench {

struct Row {
  std::string stage, name, what;
  double seconds = 0;  ///< of one call: the median of some groups of calls
  double flops = 0;    ///< of one call, or 0
  double bytes = 0;    ///< that one call must move, or 0
};

struct Options {
  std::int64_t batch = 512;
  std::int64_t shrink = 1;      ///< divides channels
  int groups = 5;               ///< of calls
  double least_seconds = 0.02;  ///< of a group of calls
  std::size_t copy_bytes = std::size_t{1} << 30;
  std::int64_t product = 8192;  ///< side of the library's matrix product
};

/// Seconds of one `call`, the device kept busy: groups of calls between two waits.
[[nodiscard]] inline double seconds_of(const Options& options, const std::function<void()>& call,
                                       const std::function<void()>& wait) {
  using Clock = std::chrono::steady_clock;
  const auto group = [&](int calls) {
    wait();
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    wait();
    return std::chrono::duration<double>(Clock::now() - start).count() / calls;
  };
  if (options.least_seconds > 0) group(1);  // the first call loads kernels
  int calls = 1;
  while (options.least_seconds > 0 && calls < 1000 && group(calls) * calls < options.least_seconds) calls *= 2;
  std::vector<double> seconds;
  for (int i = 0; i < options.groups; ++i) seconds.push_back(group(calls));
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

[[nodiscard]] std::vector<Row> ceilings(const Options& options);
[[nodiscard]] std::vector<Row> convolutions(const Options& options);
[[nodiscard]] std::vector<Row> passes(const Options& options);

}  // namespace scnn::bench
