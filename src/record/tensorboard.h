#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "record/append_file.h"
#include "scnn/train/observer.h"

namespace scnn {

class EventMessage;

/// The sink `tensorboard`: events of a run in `folder`.  Every attempt writes a file of its own, whose name sorts
/// behind those of earlier ones; it begins with the step from which on those are void, as TensorBoard expects.
class TensorBoardSink : public TrainObserver {
 public:
  /// A loss of a batch for every `step_period` steps.  `clock`: seconds since 1970; empty: now.
  explicit TensorBoardSink(std::filesystem::path folder, std::int64_t step_period = 10,
                           std::function<double()> clock = {});

  void on_start(std::int64_t first_step, std::int64_t total_steps) override;
  void on_step(const StepRecord& record) override;
  void on_removal(const RemovalRecord& record) override;
  void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override;

 private:
  void write(const EventMessage& event);

  std::filesystem::path folder_;
  std::int64_t step_period_;
  std::function<double()> clock_;
  std::optional<AppendFile> file_;
};

}  // namespace scnn
