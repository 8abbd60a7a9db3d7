#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "core/clock.h"
#include "measure/deploy_bench.h"
#include "scnn/core/error.h"
#include "scnn/runtime/scnn_runtime.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

/// Bytes of an entry of /proc/self/status, given there in kB.
double status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word && word != key + ":") {
  }
  double kilobytes = 0;
  file >> kilobytes;
  return 1024 * kilobytes;
}

class Engine {
 public:
  Engine(std::string model, int threads)
      : model_(std::move(model)), options_{threads, SCNN_RT_AUTO, SCNN_RT_AS_CALIBRATED} {}

  double load() {
    scnn_rt_error error{};
    scnn_runtime* loaded = nullptr;
    const Clock::time_point start = Clock::now();
    if (scnn_rt_load_file(model_.c_str(), &options_, &loaded, &error) != SCNN_RT_OK) {
      throw Error(ErrorKind::checkpoint, model_ + ": " + error.message);
    }
    const double seconds = seconds_since(start);
    runtime_.reset(loaded);
    return seconds;
  }

  double run(std::size_t batch, double least) {
    const scnn_rt_info info = scnn_rt_describe(runtime_.get());
    const auto image = static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width) *
                       static_cast<std::size_t>(info.channels);
    std::vector<std::uint8_t> pixels(batch * image);
    std::uint32_t state = 1;
    for (std::uint8_t& pixel : pixels)
      pixel = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
    std::vector<float> logits(batch * static_cast<std::size_t>(info.classes));
    const auto once = [&] {
      const scnn_rt_status status = scnn_rt_run_u8(runtime_.get(), pixels.data(), batch, logits.data());
      if (status != SCNN_RT_OK) throw Error(ErrorKind::device, model_ + ": " + scnn_rt_strerror(status));
    };
    once();
    std::int64_t runs = 0;
    const Clock::time_point start = Clock::now();
    for (;;) {
      once();
      ++runs;
      const double seconds = seconds_since(start);
      if (seconds >= least) return seconds / static_cast<double>(runs);
    }
  }

  double memory() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak is now what it is now
    const double before = status("VmRSS");
    load();
    run(1, 0);
    run(64, 0);
    return status("VmHWM") - before;
  }

 private:
  std::string model_;
  scnn_rt_options options_;
  std::unique_ptr<scnn_runtime, decltype(&scnn_rt_free)> runtime_{nullptr, scnn_rt_free};
};

}  // namespace

void serve_runtime(const std::string& model, int threads) {
  Engine engine(model, threads);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    std::size_t batch = 1;
    double seconds = 0;
    words >> command >> batch >> seconds;
    if (command == "memory") {
      std::cout << fmt::format("{{\"bytes\": {}}}", engine.memory()) << std::endl;
    } else {
      std::cout << fmt::format("{{\"seconds\": {}}}", command == "load" ? engine.load() : engine.run(batch, seconds))
                << std::endl;
    }
  }
}

}  // namespace scnn
