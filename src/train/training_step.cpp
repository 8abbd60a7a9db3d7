#include "scnn/train/training_step.h"

#include <array>
#include <cmath>

#include "core/trace.h"
#include "scnn/backend/host_copy.h"
#include "scnn/train/evaluate.h"

namespace scnn {

TrainingStep::TrainingStep(Graph& graph, SizeLoss& size_loss, Optimizer& optimizer, double label_smoothing,
                           std::int64_t steps_per_epoch)
    : graph_(graph),
      size_loss_(size_loss),
      optimizer_(optimizer),
      label_smoothing_(static_cast<float>(label_smoothing)),
      steps_per_epoch_(steps_per_epoch) {}

void TrainingStep::invalidate() {
  recording_.reset();
  recorded_plan_ = -1;
}

StepResult TrainingStep::run(const Batch& batch, const Pass& pass, double gamma) {
  make_room(batch.labels.size());
  Pass whole = pass;
  whole.finish_gradients = !optimizer_.finishes_gradients();
  StepResult result;
  result.size_loss = size_loss_.value();
  const auto done = static_cast<std::int64_t>(pass.step);
  optimizer_.prepare(static_cast<double>(done) / static_cast<double>(steps_per_epoch_), done + 1, gamma);
  if (!replay(batch, whole, gamma)) {
    compute(batch, whole, gamma, true);
    // This step made what memory there was to make.
    if (recorded_plan_ != graph_.plans()) recording_.reset();
    recorded_plan_ = graph_.plans();
  }
  result.loss_sum = loss_sum();
  if (std::isfinite(result.loss_sum)) result.correct = count_equal(graph_.backend(), predicted_, batch.labels);
  return result;
}

void TrainingStep::make_room(std::int64_t images) {
  if (loss_.defined() && loss_.size() == images) return;
  Backend& backend = graph_.backend();
  loss_ = backend.allocate(Shape{images});
  predicted_ = backend.allocate(Shape{images}, DType::int32);
  dlogits_ = backend.allocate(Shape{images, graph_.classes()});
  invalidate();
}

void TrainingStep::compute(const Batch& batch, const Pass& pass, double gamma, bool checked) {
  const Tensor& logits = graph_.forward(batch.images, pass);
  {
    const TraceScope range("loss");
    graph_.backend().softmax_cross_entropy(logits, batch.labels, label_smoothing_, loss_, predicted_, &dlogits_);
  }
  if (checked && !std::isfinite(loss_sum())) return;
  graph_.backward(dlogits_, pass);
  if (pass.finish_gradients) size_loss_.backward(gamma);
  optimizer_.update();
}

double TrainingStep::loss_sum() {
  double sum = 0;
  for (const float value : host_values(graph_.backend(), loss_)) sum += value;
  return sum;
}

bool TrainingStep::replay(const Batch& batch, const Pass& pass, double gamma) {
  Backend& backend = graph_.backend();
  // Ranges are heard from work that is done, not from what is replayed.
  if (!backend.records() || !optimizer_.finishes_gradients() || TraceScope::traced()) return false;
  if (recorded_plan_ != graph_.plans()) return false;
  if (!step_number_.defined()) step_number_ = backend.allocate(Shape{2}, DType::int32);
  const std::array<std::int32_t, 2> words = {static_cast<std::int32_t>(pass.step & 0xFFFFFFFFU),
                                             static_cast<std::int32_t>(pass.step >> 32U)};
  backend.copy(Tensor::of(Shape{2}, std::span<const std::int32_t>(words)), step_number_);
  if (!recording_) {
    Pass recorded = pass;
    recorded.step_at = &step_number_;
    recording_ = backend.record([&] { compute(batch, recorded, gamma, false); });
    ++recordings_;
  }
  recording_->replay();
  return true;
}

}  // namespace scnn
