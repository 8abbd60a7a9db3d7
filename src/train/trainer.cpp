#include "scnn/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/clock.h"
#include "core/settings_error.h"
#include "core/trace.h"
#include "scnn/compress/quantizer.h"
#include "scnn/packed/packed.h"
#include "scnn/train/evaluate.h"
#include "train/all_finite.h"
#include "train/trainer_state.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t probe_size = 64;
/// Epoch number of the batches that re-estimate statistics: their draws are nobody else's.
constexpr std::int64_t statistics_epoch = std::int64_t{1} << 30;

}  // namespace

void check_batch_size(std::int64_t batch_size, std::int64_t training_images) {
  if (batch_size <= training_images) return;
  throw SettingsError("train.batch_size", std::to_string(batch_size) + " is more than the " +
                                              std::to_string(training_images) + " training images: lower it");
}

Trainer::Trainer(Graph& graph, const Dataset& data, const TrainerOptions& options, TrainObserver& observer)
    : graph_(graph),
      data_(data),
      options_(options),
      observer_(observer),
      meter_(graph),
      method_(make_method(options.compression)) {
  const TrainOptions& train = options_.train;
  const CompressionOptions& compression = options_.compression;
  check_batch_size(train.batch_size, data_.train.size());
  attach_quantizers(graph_, compression);
  size_loss_ = std::make_unique<SizeLoss>(graph_, compression.size_loss, compression.revive, meter_.original_weights());
  const ImageSet& held_out = data_.validation.size() > 0 ? data_.validation : data_.test;
  train_set_ = ready_for(graph_.backend(), data_.train, options_.augment);
  evaluation_set_ = to_device(graph_.backend(), held_out);
  loader_ = batches(BatchOptions{train.batch_size, true, true, options_.augment, options_.seed});

  RunClock& clock = state_.clock;
  clock.steps_per_epoch = loader_->batches_per_epoch();
  clock.total_steps = train.epochs * clock.steps_per_epoch;
  clock.compressing_steps = compressing_steps(compression, clock.total_steps);
  const double compressing = static_cast<double>(clock.compressing_steps) / static_cast<double>(clock.steps_per_epoch);
  optimizer_ =
      std::make_unique<Optimizer>(graph_, train.optimizer, train.schedule, compressing,
                                  Restart{static_cast<double>(train.epochs) - compressing, compression.freeze_lr});
  optimizer_->clip_gradient = train.clip_gradient;
  step_ =
      std::make_unique<TrainingStep>(graph_, *size_loss_, *optimizer_, train.label_smoothing, clock.steps_per_epoch);
  method_->add_policies(policies_, {clock, [this](Graph& network) {
                                      const PackedModel model = pack(network, options_.name, data_, options_.exporting);
                                      return static_cast<std::int64_t>(encode(model).size());
                                    }});
  checkpoint_period_ = options_.checkpoint.every.in_steps(clock.steps_per_epoch);
  macs_ = static_cast<double>(graph_.macs());
}

void Trainer::add_policy(std::unique_ptr<CompressionPolicy> policy) {
  for (const auto& other : policies_) {
    if (other->name() == policy->name()) {
      throw Error(ErrorKind::usage, "Trainer: there are two policies '" + std::string(policy->name()) + "'");
    }
  }
  policies_.push_back(std::move(policy));
}

void Trainer::resume(const Checkpoint& checkpoint) {
  restore(checkpoint, graph_);
  restore_state(checkpoint, state_, policies_, optimizer_->schedules());
  const auto unfit = [&](const std::string& what) {
    throw Error(ErrorKind::checkpoint, checkpoint.path.string() + ": " + what + ": use the settings it was saved with");
  };
  const auto epochs = static_cast<std::int64_t>(state_.epoch_seconds.size());
  const std::int64_t images_done = state_.images;
  const RunClock& clock = state_.clock;
  if (clock.step != epochs * clock.steps_per_epoch + images_done / options_.train.batch_size) {
    unfit("its step " + std::to_string(clock.step) + " comes after " + std::to_string(epochs) + " epochs and " +
          std::to_string(images_done) + " images, here at " + std::to_string(clock.steps_per_epoch) + " steps of " +
          std::to_string(options_.train.batch_size) + " images an epoch it does not");
  }
  const auto held = std::ranges::count_if(checkpoint.file.tensors,
                                          [](const auto& tensor) { return tensor.first.starts_with("model."); });
  if (held != static_cast<std::ptrdiff_t>(graph_.parameters().size())) {
    unfit("it holds " + std::to_string(held) + " parameters, the experiment has " +
          std::to_string(graph_.parameters().size()) + " (another network or compression.type)");
  }
  for (const Parameter* parameter : graph_.parameters()) {
    const std::string next = "optim." + parameter->name + "." + std::to_string(parameter->slots.size());
    if (checkpoint.file.tensors.contains(next)) unfit("its tensor '" + next + "' is of another train.optimizer.type");
  }
  size_loss_->rebuild();
  macs_ = static_cast<double>(graph_.macs());
}

void Trainer::restrict_to(const std::vector<ChannelSet>& channels) {
  graph_.restrict_to(channels);
  step_->invalidate();
  size_loss_->rebuild();
  macs_ = static_cast<double>(graph_.macs());
}

double Trainer::efficiency() const {
  if (state_.epoch_seconds.empty()) return 1;
  if (state_.train_seconds <= 0 || state_.first_macs <= 0) return std::nan("");
  return (state_.macs / state_.train_seconds) / (state_.first_macs / state_.epoch_seconds.front());
}

double Trainer::gamma(const RunClock& clock) const {
  if (!method_->learns_bits()) return 0;
  double gamma = options_.compression.gamma;
  for (const auto& policy : policies_) gamma *= policy->gamma_factor(clock);
  return gamma;
}

double Trainer::unopposed_fall() {
  std::vector<std::vector<double>> slopes = size_loss_->credits();
  const std::vector<LayerStatus> layers = meter_.layers(graph_);
  const std::vector<int> nodes = graph_.weighted_nodes();
  double bits = 0, weights = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const LayerStatus& layer = layers[l];
    weights += static_cast<double>(layer.live_weights);
    Quantizer* quantizer = graph_.nodes()[static_cast<std::size_t>(nodes[l])].layer->weights()->quantizer.get();
    const Parameter* learned = quantizer != nullptr ? quantizer->parameter(ParameterRole::bits) : nullptr;
    if (learned == nullptr || !learned->trainable) continue;
    for (double& s : slopes[l]) s *= options_.compression.gamma / static_cast<double>(meter_.original_weights());
    const std::vector<double> steps = optimizer_->steady_steps(*learned, slopes[l]);
    double sum = 0, live = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (!(layer.bits[i] > 0)) continue;
      sum += steps[i];
      ++live;
    }
    if (live > 0) bits += sum / live * static_cast<double>(layer.live_weights);
  }
  return weights > 0 ? bits / weights : 0;
}

bool Trainer::run() {
  observer_.on_start(state_.clock.step, total_steps());
  return run_until(total_steps());
}

bool Trainer::run_until(std::int64_t steps) {
  const RunClock& clock = state_.clock;
  while (clock.step < std::min(steps, clock.total_steps)) {
    const TraceScope epoch("epoch");
    if (!loading_) loader_->start(clock.step / clock.steps_per_epoch, clock.step % clock.steps_per_epoch);
    do {
      for (const auto& policy : policies_) policy->before_step(*this);
      step();
      for (const auto& policy : policies_) policy->after_step(*this);
      if (clock.epoch_ended()) end_epoch();
      const bool stop = !clock.ended() && observer_.should_stop();
      if (stop || clock.ended() || clock.due(checkpoint_period_)) save();
      loading_ = !clock.epoch_ended();
      if (stop) return false;
    } while (loading_ && clock.step < steps);
  }
  return true;
}

void Trainer::train_step() {
  const TraceScope range("step");
  const Batch& batch = *loader_->next();  // as many an epoch as there are steps
  const auto start = Clock::now();
  Pass pass;
  pass.mode = Mode::train;
  pass.seed = options_.seed;
  pass.step = static_cast<std::uint64_t>(state_.clock.step);
  const StepResult result = step_->run(batch, pass, gamma(state_.clock));
  if (!std::isfinite(result.loss_sum)) report_nan("the training loss", pass, batch.images);
  ++state_.clock.step;

  const std::int64_t images = batch.labels.size();
  last_size_loss_ = result.size_loss;
  state_.correct += result.correct;
  state_.loss_sum += result.loss_sum;
  state_.images += images;
  state_.macs += macs_;
  const double seconds = seconds_since(start);
  state_.train_seconds += seconds;
  observer_.on_step({(state_.clock.step - 1) / steps_per_epoch(), state_.clock.step,
                     result.loss_sum / static_cast<double>(images), last_size_loss_,
                     static_cast<double>(images) / seconds});
}

std::unique_ptr<Batches> Trainer::batches(const BatchOptions& options) const {
  return make_batches(graph_.backend(), train_set_, data_.normalization, options);
}

Tensor Trainer::probe_images(std::int64_t n) {
  BatchOptions options;
  options.batch_size = std::min(n, data_.train.size());
  const std::unique_ptr<Batches> one =
      make_batches(graph_.backend(), strided_subset(data_.train, n), data_.normalization, options);
  one->start(0);
  return one->next()->images;
}

void Trainer::channels_removed(const RemovalResult& result) {
  const RunClock& clock = state_.clock;
  if (!result.layers.empty()) size_loss_->rebuild();
  macs_ = static_cast<double>(graph_.macs());
  for (const Removed& removed : result.layers) {
    const RemovalRecord record{(clock.step - 1) / clock.steps_per_epoch + 1,
                               clock.step,
                               removed.layer,
                               removed.channels,
                               result.max_diff,
                               efficiency()};
    state_.removals.push_back(record);
    observer_.on_removal(record);
  }
  state_.removal_seconds += result.seconds;
}

void Trainer::reestimate_statistics() {
  const std::int64_t batches = std::min(options_.train.statistics_batches, steps_per_epoch());
  if (batches <= 0) return;
  const TraceScope range("statistics");
  const auto again = this->batches({options_.train.batch_size, true, true, options_.augment, options_.seed});
  again->start(statistics_epoch);
  Pass pass;
  pass.mode = Mode::train;
  pass.seed = options_.seed;
  for (std::int64_t i = 0; i < batches; ++i) {
    // The mean of all batches so far: momentum 1, 1/2, 1/3, ...
    pass.step = static_cast<std::uint64_t>(statistics_epoch + i);
    pass.statistics_momentum = 1.0F / static_cast<float>(i + 1);
    graph_.forward(again->next()->images, pass);
  }
}

void Trainer::end_epoch() {
  const auto start = Clock::now();
  const RunClock& clock = state_.clock;
  EpochRecord record;
  record.epoch = clock.step / clock.steps_per_epoch;
  record.step = clock.step;
  record.train_loss = state_.loss_sum / static_cast<double>(state_.images);
  record.train_top1 = static_cast<double>(state_.correct) / static_cast<double>(state_.images);
  record.size_loss = last_size_loss_;
  record.gamma = gamma(clock);
  record.lr = optimizer_->lr(std::nextafter(clock.epochs(), 0.0));  // of its end, not of what begins there
  record.train_seconds = state_.train_seconds;
  record.removal_seconds = state_.removal_seconds;
  const double waited = loader_->waited_seconds();
  record.wait_seconds = waited - waited_;
  waited_ = waited;
  record.efficiency = efficiency();
  optimizer_->epoch_ended(record.epoch, record.train_loss);

  if (clock.ended() || record.epoch % options_.train.evaluate_every == 0) {
    reestimate_statistics();
    record.evaluation = evaluate(graph_, evaluation_set_, data_.normalization);
    record.evaluation_split = data_.validation.size() > 0 ? "validation" : "test";
    if (!std::isfinite(record.evaluation->loss)) report_nan("the evaluation loss", Pass{}, probe_images(probe_size));
  }
  const std::vector<LayerStatus> layers = meter_.layers(graph_);
  record.size = meter_.total(graph_, layers);
  record.eval_seconds = seconds_since(start);
  state_.eval_seconds += record.eval_seconds;
  if (state_.epoch_seconds.empty()) state_.first_macs = state_.macs;
  state_.epoch_seconds.push_back(state_.train_seconds);
  state_.loss_sum = state_.train_seconds = state_.removal_seconds = state_.macs = 0;
  state_.correct = state_.images = 0;
  observer_.on_epoch(record, layers);
}

void Trainer::save() {
  if (options_.checkpoint_folder.empty()) return;
  const TraceScope range("checkpoint");
  for (const Parameter* parameter : graph_.parameters()) {
    if (!all_finite(graph_.backend(), parameter->value)) report_nan("a parameter", Pass{}, probe_images(probe_size));
  }
  CheckpointFolder folder(options_.checkpoint_folder);
  const Checkpoint checkpoint =
      capture(graph_, options_.config, state_text(state_, policies_, optimizer_->schedules()));
  observer_.on_checkpoint(folder.save(checkpoint, state_.clock.step, options_.checkpoint.keep_last).string());
}

}  // namespace scnn
