#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "record/run_folder.h"
#include "scnn/train/observer.h"

namespace scnn {

/// Writes a run's records: metrics.jsonl (epochs and removals always; steps with the sink `jsonl`), bits.jsonl, and
/// epochs.csv with the sink `csv`.  Each line is handed to the system as one write.  When training starts at a step,
/// lines of later steps, left by an attempt that was cut off, are dropped.
class RunRecorder : public TrainObserver {
 public:
  /// A line for every `step_period` steps.
  RunRecorder(const RunFolder& folder, const LoggingOptions& logging, std::int64_t step_period = 10);
  ~RunRecorder() override;

  void on_start(std::int64_t first_step, std::int64_t total_steps) override;
  void on_step(const StepRecord& record) override;
  void on_removal(const RemovalRecord& record) override;
  void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a run's files say of its training, all attempts together.
struct RunHistory {
  std::vector<EpochRecord> epochs;
  std::vector<std::vector<LayerStatus>> layers;  ///< one for each epoch, empty where bits.jsonl lacks it
  std::vector<RemovalRecord> removals;
};

/// Reads metrics.jsonl and bits.jsonl; a torn last line is ignored, missing files are empty.  Error(checkpoint) naming
/// file and line where another line is damaged.
[[nodiscard]] RunHistory read_history(const std::filesystem::path& run);

/// Passes everything on to several observers; should_stop where any says so.
class Observers : public TrainObserver {
 public:
  void add(TrainObserver& observer) { list_.push_back(&observer); }

  void on_start(std::int64_t first_step, std::int64_t total_steps) override;
  void on_step(const StepRecord& record) override;
  void on_removal(const RemovalRecord& record) override;
  void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override;
  void on_checkpoint(const std::string& path) override;
  [[nodiscard]] bool should_stop() override;

 private:
  std::vector<TrainObserver*> list_;
};

}  // namespace scnn
