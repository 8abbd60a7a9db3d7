#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scnn/train/observer.h"

namespace scnn {

/// What a run came to: result.json.  Sizes are four different figures and never mixed.
struct RunResult {
  std::string run, device;
  std::uint64_t seed = 0;
  Metrics test;  ///< of model.scnn, not of the training network
  SizeStatus size;
  std::optional<std::int64_t> entropy_bits;  ///< all integers, entropy-coded; none in a float network
  std::int64_t file_bytes = 0;               ///< model.scnn on disk, everything in it
  double export_diff = 0;                    ///< largest change of a logit by the export, of the largest logit
  double train_seconds = 0;                  ///< sum of epoch_seconds
  std::vector<double> epoch_seconds;         ///< training steps only
  double eval_seconds = 0;                   ///< all evaluations
  std::vector<RemovalRecord> removals;
  std::int64_t recordings = 0;         ///< of training steps as CUDA graphs; 0: none
  std::int64_t peak_device_bytes = 0;  ///< a GPU's memory in use at once, at most; 0: unknown

  /// Learned bits in percent of 32 bits for each original weight.
  [[nodiscard]] double learned_percent() const;
  /// The file in percent of 32 bits for each original weight.
  [[nodiscard]] double file_percent() const;
};

/// One JSON object, two spaces of indentation.
[[nodiscard]] std::string result_json(const RunResult& result);
/// Reads result.json.  Error(checkpoint) naming the file and the key.
[[nodiscard]] RunResult read_result(const std::filesystem::path& path);

/// A check such as "top1>=0.93" or "file_bytes<=20000".
class Expectation {
 public:
  /// Error(usage) naming the metrics and comparisons there are.
  explicit Expectation(const std::string& text);
  [[nodiscard]] const std::string& metric() const noexcept { return metric_; }
  [[nodiscard]] bool met_by(double value) const;
  /// The names an expectation may use.
  [[nodiscard]] static const std::vector<std::string>& metrics();

 private:
  std::string metric_, comparison_;
  double bound_ = 0;
};

}  // namespace scnn
