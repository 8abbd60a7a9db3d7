#include "scnn/train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "compress/pruning.h"
#include "core/clock.h"
#include "core/settings_error.h"
#include "core/trace.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"
#include "scnn/compress/removal.h"
#include "scnn/train/evaluate.h"
#include "train/all_finite.h"
#include "train/trainer_state.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t probe_size = 64;
/// Of the guard, which compares losses.
constexpr std::int64_t guard_probe_size = 512;
/// Epoch number of the batches that re-estimate statistics: their draws are nobody else's.
constexpr std::int64_t statistics_epoch = std::int64_t{1} << 30;

}  // namespace

void check_batch_size(std::int64_t batch_size, std::int64_t training_images) {
  if (batch_size <= training_images) return;
  throw SettingsError("train.batch_size", std::to_string(batch_size) + " is more than the " +
                                              std::to_string(training_images) + " training images: lower it");
}

Trainer::Trainer(Graph& graph, const Dataset& data, const TrainerOptions& options, TrainObserver& observer)
    : graph_(graph), data_(data), options_(options), observer_(observer), meter_(graph) {
  const TrainOptions& train = options_.train;
  const CompressionOptions& compression = options_.compression;
  check_batch_size(train.batch_size, data_.train.size());
  attach_quantizers(graph_, compression);
  size_loss_ = std::make_unique<SizeLoss>(graph_, compression.size_loss, compression.revive, meter_.original_weights());
  const ImageSet& held_out = data_.validation.size() > 0 ? data_.validation : data_.test;
  train_set_ = ready_for(graph_.backend(), data_.train, options_.augment);
  evaluation_set_ = to_device(graph_.backend(), held_out);
  loader_ = batches(BatchOptions{train.batch_size, true, true, options_.augment, options_.seed});
  steps_per_epoch_ = loader_->batches_per_epoch();
  compressing_steps_ = total_steps();
  if (compression.settle_fraction > 0) {
    const auto settling = std::llround(compression.settle_fraction * static_cast<double>(total_steps()));
    compressing_steps_ -= std::min<std::int64_t>(std::max<std::int64_t>(settling, 1), total_steps() - 1);
  }
  const double compressing = static_cast<double>(compressing_steps_) / static_cast<double>(steps_per_epoch_);
  optimizer_ =
      std::make_unique<Optimizer>(graph_, train.optimizer, train.schedule, compressing,
                                  Restart{static_cast<double>(train.epochs) - compressing, compression.settle_lr});
  optimizer_->clip_gradient = train.clip_gradient;
  if (removes_channels(compression.type)) removal_period_ = compression.removal.in_steps(steps_per_epoch_);
  checkpoint_period_ = options_.checkpoint.every.in_steps(steps_per_epoch_);
  macs_ = static_cast<double>(graph_.macs());
  if (compression.type == CompressionType::self_compress && compression.target_bytes > 0) {
    state_.budget = ByteBudget(static_cast<double>(compression.target_bytes));
    budget_period_ = std::max<std::int64_t>(1, steps_per_epoch_ / 4);
  }
  if (compression.type == CompressionType::self_compress && compression.guard_tolerance > 0) {
    state_.guard = ForgettingGuard(compression.guard_tolerance);
    size_loss_->pace = [this](const std::string& layer) { return state_.guard.pace(layer); };
  }
}

void Trainer::resume(const Checkpoint& checkpoint) {
  restore(checkpoint, graph_);
  restore_state(checkpoint, state_, optimizer_->schedules());
  const auto unfit = [&](const std::string& what) {
    throw Error(ErrorKind::checkpoint, checkpoint.path.string() + ": " + what + ": use the settings it was saved with");
  };
  const auto epochs = static_cast<std::int64_t>(state_.epoch_seconds.size());
  const std::int64_t images_done = state_.images;
  if (state_.step != epochs * steps_per_epoch_ + images_done / options_.train.batch_size) {
    unfit("its step " + std::to_string(state_.step) + " comes after " + std::to_string(epochs) + " epochs and " +
          std::to_string(images_done) + " images, here at " + std::to_string(steps_per_epoch_) + " steps of " +
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
  size_loss_->rebuild();
  macs_ = static_cast<double>(graph_.macs());
}

double Trainer::epochs_done() const { return static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_); }

double Trainer::efficiency() const {
  if (state_.epoch_seconds.empty()) return 1;
  if (state_.train_seconds <= 0 || state_.first_macs <= 0) return std::nan("");
  return (state_.macs / state_.train_seconds) / (state_.first_macs / state_.epoch_seconds.front());
}

double Trainer::gamma(double epochs) const {
  if (!learns_bits(options_.compression.type)) return 0;
  const double ramp = options_.compression.gamma_ramp_epochs;
  return options_.compression.gamma * (ramp > 0 ? std::min(1.0, epochs / ramp) : 1.0) * state_.budget.factor();
}

double Trainer::unopposed_fall() {
  if (options_.compression.type != CompressionType::self_compress) return 0;
  std::vector<std::vector<double>> slopes = size_loss_->credits();
  const std::vector<LayerStatus> layers = meter_.layers(graph_);
  double bits = 0, weights = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const LayerStatus& layer = layers[l];
    weights += static_cast<double>(layer.live_weights);
    if (slopes[l].empty()) continue;  // float
    for (double& s : slopes[l]) s *= options_.compression.gamma / static_cast<double>(meter_.original_weights());
    const std::vector<double> steps = optimizer_->steady_steps(layer.layer + ".bits", slopes[l]);
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
  observer_.on_start(state_.step, total_steps());
  while (state_.step < total_steps()) {
    const TraceScope epoch("epoch");
    loader_->start(state_.step / steps_per_epoch_, state_.step % steps_per_epoch_);
    do {
      step();
      const bool last = state_.step == total_steps();
      if (state_.budget.on()) budget();
      prune();
      if (removal_period_ > 0 && (state_.step % removal_period_ == 0 || last)) remove();
      if (state_.step % steps_per_epoch_ == 0) end_epoch();
      const bool stop = !last && observer_.should_stop();
      if (stop || last || (checkpoint_period_ > 0 && state_.step % checkpoint_period_ == 0)) save();
      if (stop) return false;
    } while (state_.step % steps_per_epoch_ != 0);
  }
  return true;
}

void Trainer::train_step() {
  const TraceScope range("step");
  const Batch& batch = *loader_->next();  // as many an epoch as there are steps
  const auto start = Clock::now();
  Backend& backend = graph_.backend();
  const double epochs = epochs_done();
  const std::int64_t images = batch.labels.size();
  Pass pass;
  pass.mode = Mode::train;
  pass.seed = options_.seed;
  pass.step = static_cast<std::uint64_t>(state_.step);
  pass.finish_gradients = !optimizer_->finishes_gradients();

  if (!loss_.defined() || loss_.size() != images) {
    loss_ = backend.allocate(Shape{images});
    predicted_ = backend.allocate(Shape{images}, DType::int32);
    dlogits_ = backend.allocate(Shape{images, graph_.classes()});
    recorded_plan_ = -1;
  }
  integer_exponents();
  settle();
  last_size_loss_ = size_loss_->value();
  optimizer_->prepare(epochs, state_.step + 1, settling() ? 0 : gamma(epochs));
  if (!replay(batch, pass)) {
    compute(batch, pass, true);
    // This one made what memory there was to make.
    if (recorded_plan_ != graph_.plans()) recording_.reset();
    recorded_plan_ = graph_.plans();
  }
  const double sum = loss_sum();
  if (!std::isfinite(sum)) report_nan("the training loss", pass, batch.images);
  ++state_.step;

  state_.correct += count_equal(backend, predicted_, batch.labels);
  state_.loss_sum += sum;
  state_.images += images;
  state_.macs += macs_;
  const double seconds = seconds_since(start);
  state_.train_seconds += seconds;
  observer_.on_step({(state_.step - 1) / steps_per_epoch_, state_.step, sum / static_cast<double>(images),
                     last_size_loss_, static_cast<double>(images) / seconds});
}

void Trainer::budget() {
  if (!options_.file_bytes) throw Error(ErrorKind::bug, "Trainer: target_bytes without file_bytes");
  if (state_.step >= compressing_steps_) {
    const bool turn = state_.step == compressing_steps_ || state_.step % budget_period_ == 0;
    if (!turn && state_.step != total_steps()) return;
    land(graph_, options_.compression.target_bytes, [this] { return options_.file_bytes(graph_); });
  } else if (state_.step % budget_period_ == 0) {
    state_.budget.measured(static_cast<double>(state_.step) / static_cast<double>(compressing_steps_),
                           static_cast<double>(options_.file_bytes(graph_)));
  }
}

void Trainer::integer_exponents() {
  const double from = options_.compression.integer_exponents_from;
  if (options_.compression.type == CompressionType::none || from >= 1) return;
  const auto share = static_cast<std::int64_t>(std::llround(from * static_cast<double>(total_steps())));
  if (held_exponents_ || state_.step < std::min(share, total_steps() - 1)) return;
  // Changes nothing where a run goes on behind this point, but for a fork that asks for it now.
  round_exponents(graph_);
  optimizer_->hold("*.exponent");
  held_exponents_ = true;
}

void Trainer::settle() {
  if (!settling() || settled_) return;
  for (const char* format : {"*.bits", "*.exponent"}) optimizer_->hold(format);
  settled_ = true;
}

void Trainer::compute(const Batch& batch, const Pass& pass, bool checked) {
  const Tensor& logits = graph_.forward(batch.images, pass);
  {
    const TraceScope range("loss");
    graph_.backend().softmax_cross_entropy(logits, batch.labels, static_cast<float>(options_.train.label_smoothing),
                                           loss_, predicted_, &dlogits_);
  }
  if (checked && !std::isfinite(loss_sum())) return;
  graph_.backward(dlogits_, pass);
  if (pass.finish_gradients && !settling()) size_loss_->backward(gamma(epochs_done()));
  optimizer_->update();
}

double Trainer::loss_sum() {
  double sum = 0;
  for (const float value : host_values(graph_.backend(), loss_)) sum += value;
  return sum;
}

bool Trainer::replay(const Batch& batch, const Pass& pass) {
  Backend& backend = graph_.backend();
  // Ranges are heard from work that is done, not from what is replayed.
  if (!backend.records() || !optimizer_->finishes_gradients() || TraceScope::traced()) return false;
  if (recorded_plan_ != graph_.plans()) return false;
  if (!step_number_.defined()) step_number_ = backend.allocate(Shape{2}, DType::int32);
  const std::array<std::int32_t, 2> words = {static_cast<std::int32_t>(pass.step & 0xFFFFFFFFU),
                                             static_cast<std::int32_t>(pass.step >> 32U)};
  backend.copy(Tensor::of(Shape{2}, std::span<const std::int32_t>(words)), step_number_);
  if (!recording_) {
    Pass recorded = pass;
    recorded.step_at = &step_number_;
    recording_ = backend.record([this, batch, recorded] { compute(batch, recorded, false); });
    ++recordings_;
  }
  recording_->replay();
  return true;
}

std::unique_ptr<Batches> Trainer::batches(const BatchOptions& options) const {
  return make_batches(graph_.backend(), train_set_, data_.normalization, options);
}

Batch Trainer::probe(std::int64_t size) const {
  BatchOptions options;
  options.batch_size = std::min(size, data_.train.size());
  const std::unique_ptr<Batches> one =
      make_batches(graph_.backend(), strided_subset(data_.train, size), data_.normalization, options);
  one->start(0);
  return *one->next();
}

void Trainer::prune() {
  const PruneOptions& prune = options_.compression.prune;
  if (options_.compression.type != CompressionType::magnitude_prune || state_.step % steps_per_epoch_ != 0) return;
  const std::int64_t epoch = state_.step / steps_per_epoch_;
  const auto done = static_cast<double>(epoch);
  if (std::ranges::find(prune.epochs, done) == prune.epochs.end()) return;
  prune_channels(graph_, prune_share(prune, done));
}

void Trainer::look() {
  Backend& backend = graph_.backend();
  const Batch images = probe(guard_probe_size);
  Tensor loss = backend.allocate(Shape{images.labels.size()});
  Tensor predicted = backend.allocate(loss.shape(), DType::int32);
  state_.guard.look(graph_, [&] {
    backend.softmax_cross_entropy(graph_.forward(images.images, Pass{}), images.labels, 0.0F, loss, predicted, nullptr);
    double sum = 0;
    for (const float value : host_values(backend, loss)) sum += value;
    return sum;
  });
}

void Trainer::remove() {
  const TraceScope range("removal");
  const auto start = Clock::now();
  if (state_.guard.on() && state_.step < compressing_steps_) look();
  if (freeze_constants(graph_, removal_period_)) recorded_plan_ = -1;
  const RemovalResult result = remove_channels(graph_, probe(probe_size).images);
  if (!result.layers.empty()) {
    size_loss_->rebuild();
    if (state_.guard.on()) state_.guard.remember(graph_);
  }
  macs_ = static_cast<double>(graph_.macs());
  for (const Removed& removed : result.layers) {
    const RemovalRecord record{(state_.step - 1) / steps_per_epoch_ + 1,
                               state_.step,
                               removed.layer,
                               removed.channels,
                               result.max_diff,
                               efficiency()};
    state_.removals.push_back(record);
    observer_.on_removal(record);
  }
  state_.removal_seconds += seconds_since(start);
}

void Trainer::reestimate_statistics() {
  const std::int64_t batches = std::min(options_.train.statistics_batches, steps_per_epoch_);
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
  EpochRecord record;
  record.epoch = state_.step / steps_per_epoch_;
  record.step = state_.step;
  record.train_loss = state_.loss_sum / static_cast<double>(state_.images);
  record.train_top1 = static_cast<double>(state_.correct) / static_cast<double>(state_.images);
  record.size_loss = last_size_loss_;
  record.gamma = state_.step > compressing_steps_ ? 0 : gamma(epochs_done());
  record.lr = optimizer_->lr(std::nextafter(epochs_done(), 0.0));  // of its end, not of what begins there
  record.train_seconds = state_.train_seconds;
  record.removal_seconds = state_.removal_seconds;
  const double waited = loader_->waited_seconds();
  record.wait_seconds = waited - waited_;
  waited_ = waited;
  record.efficiency = efficiency();
  optimizer_->epoch_ended(record.epoch, record.train_loss);

  const bool last = state_.step == total_steps();
  if (last || record.epoch % options_.train.evaluate_every == 0) {
    reestimate_statistics();
    record.evaluation = evaluate(graph_, evaluation_set_, data_.normalization);
    record.evaluation_split = data_.validation.size() > 0 ? "validation" : "test";
    if (!std::isfinite(record.evaluation->loss)) report_nan("the evaluation loss", Pass{}, probe(probe_size).images);
  }
  std::vector<LayerStatus> layers = meter_.layers(graph_);
  for (LayerStatus& layer : layers) layer.pace = state_.guard.pace(layer.layer);
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
    if (!all_finite(graph_.backend(), parameter->value)) report_nan("a parameter", Pass{}, probe(probe_size).images);
  }
  CheckpointFolder folder(options_.checkpoint_folder);
  const Checkpoint checkpoint = capture(graph_, options_.config, state_text(state_, optimizer_->schedules()));
  observer_.on_checkpoint(folder.save(checkpoint, state_.step, options_.checkpoint.keep_last).string());
}

}  // namespace scnn
