#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "scnn/compress/method.h"
#include "scnn/compress/options.h"
#include "scnn/compress/policy.h"
#include "scnn/compress/size_loss.h"
#include "scnn/compress/size_status.h"
#include "scnn/data/batches.h"
#include "scnn/nn/graph.h"
#include "scnn/packed/options.h"
#include "scnn/train/checkpoint.h"
#include "scnn/train/observer.h"
#include "scnn/train/optimizer.h"
#include "scnn/train/options.h"
#include "scnn/train/training_step.h"

namespace scnn {

struct TrainerOptions {
  std::uint64_t seed = 0;
  TrainOptions train;
  CompressionOptions compression;
  std::vector<Augmentation> augment;  ///< of training images
  CheckpointOptions checkpoint;
  std::filesystem::path checkpoint_folder;  ///< empty: no checkpoints
  std::string config;                       ///< the experiment's complete YAML, kept in checkpoints
  std::string name;                         ///< of the experiment; it stands in the packed file
  ExportOptions exporting;                  ///< of the packed file, which a byte budget measures
};

/// Where a run stands, beside what the graph and the policies hold.
struct TrainerState {
  RunClock clock;
  // Of the epoch under way:
  double loss_sum = 0;  ///< over images
  std::int64_t correct = 0, images = 0;
  double train_seconds = 0, removal_seconds = 0;
  double macs = 0;  ///< multiply-adds of an image, summed over steps
  // Of the run:
  double first_macs = 0;              ///< macs of the first epoch
  std::vector<double> epoch_seconds;  ///< training steps only, of the epochs done
  double eval_seconds = 0;            ///< of the whole run
  std::vector<RemovalRecord> removals;
};

/// SettingsError where a batch is larger than the training set.
void check_batch_size(std::int64_t batch_size, std::int64_t training_images);

/// The training loop.
class Trainer final : private TrainingAccess {
 public:
  /// `graph` is initialized and has its channels all alive; quantizers are attached here.
  Trainer(Graph& graph, const Dataset& data, const TrainerOptions& options, TrainObserver& observer);

  /// A policy of the caller's own, called behind those of the compression method.  Error(usage) where a policy of that
  /// name is there already.  To be called before resume().
  void add_policy(std::unique_ptr<CompressionPolicy> policy);
  /// Goes on from a checkpoint of the same experiment.
  void resume(const Checkpoint& checkpoint);
  /// Trains to the end.  False where the observer asked to stop: a checkpoint was saved.  Error(training) naming step
  /// and layer where the loss is no number; Error(memory) of a step with an estimate of what it needs.
  [[nodiscard]] bool run();
  /// The same until `steps` steps of the run are done, without TrainObserver::on_start.
  [[nodiscard]] bool run_until(std::int64_t steps);
  /// Channels go whatever they hold, between two steps: to measure how a smaller network trains.
  void restrict_to(const std::vector<ChannelSet>& channels);

  [[nodiscard]] const TrainerState& state() const noexcept { return state_; }
  [[nodiscard]] const RunClock& clock() const override { return state_.clock; }
  [[nodiscard]] const SizeMeter& meter() const noexcept { return meter_; }
  /// How often a step was recorded (Backend::record); 0 where steps are computed one by one.
  [[nodiscard]] std::int64_t recordings() const noexcept { return step_->recordings(); }
  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept { return state_.clock.steps_per_epoch; }
  [[nodiscard]] std::int64_t total_steps() const noexcept { return state_.clock.total_steps; }
  /// Seconds of the processor that preparing batches has taken beside the steps.
  [[nodiscard]] double preparation_seconds() const { return loader_->preparation_seconds(); }
  /// Bits a weight that the size loss, at full gamma and learning rate, would take in one step from the network as it
  /// stands if no other loss opposed it; 0 where no channel has learned bits.  The task mostly slows it; what a run
  /// ends at does not follow from it.
  [[nodiscard]] double unopposed_fall();
  /// Weight of the size loss for the step that follows `clock`.
  [[nodiscard]] double gamma(const RunClock& clock) const;

 private:
  [[nodiscard]] Graph& graph() override { return graph_; }
  [[nodiscard]] Tensor probe_images(std::int64_t n) override;
  void updates_changed() override { step_->invalidate(); }
  void channels_removed(const RemovalResult& result) override;

  /// train_step, and what it needs where memory runs out.
  void step();
  void train_step();
  void end_epoch();
  void reestimate_statistics();
  void save();
  /// Of the training images.
  [[nodiscard]] std::unique_ptr<Batches> batches(const BatchOptions& options) const;
  [[noreturn]] void report_nan(const std::string& what, const Pass& pass, const Tensor& images);
  /// Of the epoch under way (EpochRecord).
  [[nodiscard]] double efficiency() const;

  Graph& graph_;
  const Dataset& data_;
  TrainerOptions options_;
  TrainObserver& observer_;
  SizeMeter meter_;
  std::unique_ptr<CompressionMethod> method_;
  std::unique_ptr<SizeLoss> size_loss_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainingStep> step_;
  PolicyList policies_;
  ImageSet train_set_, evaluation_set_;  ///< where batches are cut out of them
  std::unique_ptr<Batches> loader_;
  bool loading_ = false;  ///< loader_ stands at the coming step
  TrainerState state_;
  std::int64_t checkpoint_period_ = 0;
  double last_size_loss_ = 0;
  double waited_ = 0;  ///< seconds that loader_ had waited when the epoch began
  double macs_ = 0;    ///< of an image, now
};

}  // namespace scnn
