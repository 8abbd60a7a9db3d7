#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "scnn/compress/byte_budget.h"
#include "scnn/compress/guard.h"
#include "scnn/compress/options.h"
#include "scnn/compress/size_loss.h"
#include "scnn/compress/size_status.h"
#include "scnn/data/batches.h"
#include "scnn/nn/graph.h"
#include "scnn/train/checkpoint.h"
#include "scnn/train/observer.h"
#include "scnn/train/optimizer.h"
#include "scnn/train/options.h"

namespace scnn {

struct TrainerOptions {
  std::uint64_t seed = 0;
  TrainOptions train;
  CompressionOptions compression;
  std::vector<Augmentation> augment;  ///< of training images
  CheckpointOptions checkpoint;
  std::filesystem::path checkpoint_folder;  ///< empty: no checkpoints
  std::string config;                       ///< the experiment's complete YAML, kept in checkpoints
  /// Size of the packed file of the graph as it stands; needed with compression.target_bytes.
  std::function<std::int64_t(Graph&)> file_bytes;
};

/// Where a run stands, beside what the graph holds.
struct TrainerState {
  std::int64_t step = 0;  ///< steps done
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
  ByteBudget budget;
  ForgettingGuard guard;
};

/// SettingsError where a batch is larger than the training set.
void check_batch_size(std::int64_t batch_size, std::int64_t training_images);

/// The training loop.
class Trainer {
 public:
  /// `graph` is initialized and has its channels all alive; quantizers are attached here.
  Trainer(Graph& graph, const Dataset& data, const TrainerOptions& options, TrainObserver& observer);

  /// Goes on from a checkpoint of the same experiment.
  void resume(const Checkpoint& checkpoint);
  /// Trains to the end.  False where the observer asked to stop: a checkpoint was saved.  Error(training) naming step
  /// and layer where the loss is no number; Error(memory) of a step with an estimate of what it needs.
  [[nodiscard]] bool run();
  /// Channels go whatever they hold, between two steps: to measure how a smaller network trains.
  void restrict_to(const std::vector<ChannelSet>& channels);

  [[nodiscard]] const TrainerState& state() const noexcept { return state_; }
  [[nodiscard]] const SizeMeter& meter() const noexcept { return meter_; }
  /// How often a step was recorded (Backend::record); 0 where steps are computed one by one.
  [[nodiscard]] std::int64_t recordings() const noexcept { return recordings_; }
  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept { return steps_per_epoch_; }
  [[nodiscard]] std::int64_t total_steps() const noexcept { return options_.train.epochs * steps_per_epoch_; }
  /// Seconds of the processor that preparing batches has taken beside the steps.
  [[nodiscard]] double preparation_seconds() const { return loader_->preparation_seconds(); }
  /// Bits a weight that the size loss, at full gamma and learning rate, would take in one step of self-compression from
  /// the network as it stands if no other loss opposed it; 0 of other types.  The task mostly slows
  /// it; what a run ends at does not follow from it.
  [[nodiscard]] double unopposed_fall();
  /// gamma after `epochs` (a real number) of the run, as long as it does not settle.
  [[nodiscard]] double gamma(double epochs) const;

 private:
  /// train_step, and what it needs where memory runs out.
  void step();
  void train_step();
  /// Forward, loss, backward and update.  `checked`: stops where the loss is no number, before anything learns from it.
  void compute(const Batch& batch, const Pass& pass, bool checked);
  /// The same as a recording, made anew where memory has changed.  False where this step is to be computed instead.
  bool replay(const Batch& batch, const Pass& pass);
  [[nodiscard]] double loss_sum();
  /// Lets the budget see the file's size, and at the end lands within it.
  void budget();
  /// From their share of training on, exponents are integers and stay.
  void integer_exponents();
  /// For the last epochs number formats stay, and the size loss ends.
  void settle();
  [[nodiscard]] bool settling() const { return state_.step >= compressing_steps_; }
  /// Takes the bits of channels at their epochs (magnitude_prune); remove() takes the channels.
  void prune();
  /// Lets the guard against forgetting see what the layers' fall would do.
  void look();
  void remove();
  void end_epoch();
  void reestimate_statistics();
  void save();
  /// Of the training images.
  [[nodiscard]] std::unique_ptr<Batches> batches(const BatchOptions& options) const;
  /// Training images as they are, evenly spread: all classes, also of a set sorted by class.
  [[nodiscard]] Batch probe(std::int64_t size) const;
  [[noreturn]] void report_nan(const std::string& what, const Pass& pass, const Tensor& images);
  [[nodiscard]] double epochs_done() const;
  /// Of the epoch under way (EpochRecord).
  [[nodiscard]] double efficiency() const;

  Graph& graph_;
  const Dataset& data_;
  TrainerOptions options_;
  TrainObserver& observer_;
  SizeMeter meter_;
  std::unique_ptr<SizeLoss> size_loss_;
  std::unique_ptr<Optimizer> optimizer_;
  ImageSet train_set_, evaluation_set_;  ///< where batches are cut out of them
  std::unique_ptr<Batches> loader_;
  TrainerState state_;
  bool held_exponents_ = false, settled_ = false;
  std::int64_t budget_period_ = 0;  ///< steps between measurements
  std::int64_t steps_per_epoch_ = 0;
  std::int64_t compressing_steps_ = 0;  ///< before it settles
  std::int64_t removal_period_ = 0, checkpoint_period_ = 0;
  double last_size_loss_ = 0;
  double waited_ = 0;  ///< seconds that loader_ had waited when the epoch began
  double macs_ = 0;    ///< of an image, now

  // A step's memory: it stays, so that a recorded step finds it again.
  Tensor loss_, predicted_, dlogits_, step_number_;
  std::unique_ptr<Recording> recording_;
  std::int64_t recorded_plan_ = -1;  ///< Graph::plans() of the recording; -1: none
  std::int64_t recordings_ = 0;
};

}  // namespace scnn
