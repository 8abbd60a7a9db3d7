#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace scnn {

struct DeployBenchOptions {
  int rounds = 9;                    ///< each measures everything once, in turn
  double seconds = 0.05;             ///< that each timing lasts at least
  std::vector<int> threads;          ///< what to measure with
  std::vector<std::string> runtime;  ///< the command that serves the C runtime, but for model and threads
  std::function<void(const std::string&)> progress;  ///< may be empty
};

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

/// One network in one engine with some threads; the medians of all rounds.
struct DeployRow {
  std::string model, engine;
  int threads = 1;
  std::string missing;  ///< why nothing was measured; empty: it was
  std::int64_t file_bytes = 0;
  double load_seconds = not_measured;
  double memory_bytes = not_measured;   ///< by which peak memory grows, loading and running 1 and 64 images
  double latency = not_measured;        ///< seconds for one image
  double batch_seconds = not_measured;  ///< seconds for 64 images
  /// How many times as fast as the float32 network before compression in ONNX Runtime: the median of the rounds'
  /// ratios.
  double faster_latency = not_measured, faster_batch = not_measured;

  [[nodiscard]] double images_per_second() const { return 64 / batch_seconds; }
};

struct DeployBench {
  std::string cpu;
  int rounds = 0;
  double call_seconds = not_measured;  ///< ONNX Runtime's time for a network of one weight: what a call costs there
  std::vector<DeployRow> rows;
};

/// Measures each of `models` (run folders, checkpoints, packed models): packed in the C runtime, exported in ONNX
/// Runtime, and its network before compression, in float32, in ONNX Runtime.  Error as open_model; Error(device) where
/// an engine fails.
[[nodiscard]] DeployBench bench_deploy(const std::vector<std::string>& models, const DeployBenchOptions& options);

/// The C runtime's side of it: loads `model` and answers commands (tools/bench/onnx_deploy.py) on stdout until stdin
/// ends.  Error(checkpoint) where the model cannot be loaded.
void serve_runtime(const std::string& model, int threads);

/// For people; as JSON; and as one self-contained HTML page with charts.
[[nodiscard]] std::string deploy_table(const DeployBench& bench);
[[nodiscard]] std::string deploy_json(const DeployBench& bench);
[[nodiscard]] std::string deploy_page(const DeployBench& bench);

}  // namespace scnn
