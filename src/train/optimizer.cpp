#include "scnn/train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/glob.h"
#include "core/settings_error.h"
#include "core/trace.h"
#include "scnn/backend/host_copy.h"

namespace scnn {
namespace {

/// Names that a group may speak of: every learned parameter, and those of quantizers whether this run has them or not,
/// so that a baseline can share its file with the method.
std::vector<std::string> known_names(Graph& graph) {
  std::vector<std::string> names;
  for (Parameter* parameter : graph.parameters()) names.push_back(parameter->name);
  for (const int index : graph.weighted_nodes()) {
    const std::string& layer = graph.nodes()[static_cast<std::size_t>(index)].spec.name;
    for (const ParameterRole role : quantizer_roles()) {
      Parameter learned;
      learned.identify(layer, role);
      names.push_back(std::move(learned.name));
    }
  }
  return names;
}

/// Of the gradient that an update follows.  What is being pulled to 0 follows none; dead channels' gradients are 0
/// already (Backend::quantize_backward).  Only biases and shifts are pulled, so the copies are small.
double squared_norm(Backend& backend, const Parameter& parameter) {
  if (!parameter.pull.defined()) return backend.sum_of_squares(parameter.gradient);
  const std::vector<float> gradient = host_values(backend, parameter.gradient);
  const std::vector<float> pull = host_values(backend, parameter.pull);
  double sum = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    if (!(pull[i] > 0.0F)) sum += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
  }
  return sum;
}

}  // namespace

Optimizer::Optimizer(Graph& graph, const OptimizerOptions& options, const ScheduleOptions& schedule,
                     double total_epochs, const Restart& restart)
    : graph_(graph), options_(options) {
  schedules_.emplace_back(schedule, total_epochs, restart);
  const std::vector<std::string> names = known_names(graph);
  for (std::size_t g = 0; g < options.groups.size(); ++g) {
    const ParameterGroup& group = options.groups[g];
    schedules_.emplace_back(group.schedule.value_or(schedule), total_epochs, restart);
    for (const std::string& pattern : group.match) {
      if (std::ranges::any_of(names, [&](const std::string& name) { return glob_match(pattern, name); })) continue;
      throw SettingsError("train.optimizer.groups[" + std::to_string(g) + "].match",
                          "'" + pattern + "' fits no parameter; names look like '" + names.front() + "'");
    }
  }
  for (Graph::Node& node : graph.nodes()) {
    Weights* weights = node.layer->weights();
    if (weights != nullptr && weights->quantizer) quantized_.push_back(weights);
    for (Parameter* parameter : node.layer->parameters()) {
      if (!parameter->trainable) continue;
      Target target;
      target.parameter = parameter;
      target.lr = options.lr;
      target.eps = options.eps;
      if (parameter->role == ParameterRole::weight) {
        target.decays = true;
        target.weight_decay = options.weight_decay;
        target.quantizer = weights->quantizer.get();
      }
      if (weights != nullptr && weights->quantizer) {
        target.layer = quantized_.size() - 1;
        if (parameter->role == ParameterRole::weight) target.part = &QuantizedLayer::weights;
        if (parameter->role == ParameterRole::bits) target.part = &QuantizedLayer::bits;
        if (parameter->role == ParameterRole::exponent) target.part = &QuantizedLayer::exponents;
      }
      for (std::size_t g = 0; g < options.groups.size(); ++g) {
        const ParameterGroup& group = options.groups[g];
        if (!glob_match(group.match, parameter->name)) continue;
        target.lr = group.lr.value_or(target.lr);
        target.eps = group.eps.value_or(target.eps);
        if (target.decays) target.weight_decay = group.weight_decay.value_or(target.weight_decay);
        if (group.schedule) target.schedule = g + 1;
      }
      const std::size_t slots = options.type == OptimizerType::sgd ? 1 : 2;
      while (parameter->slots.size() < slots)
        parameter->slots.push_back(graph.backend().allocate(parameter->value.shape()));
      targets_.push_back(target);
    }
  }
}

double Optimizer::lr(double epochs) const { return options_.lr * schedules_.front().factor(epochs); }

std::vector<double> Optimizer::steady_steps(const Parameter& parameter, std::vector<double> gradients) const {
  const auto target = std::ranges::find(targets_, &parameter, &Target::parameter);
  if (target == targets_.end()) throw Error(ErrorKind::bug, "Optimizer: '" + parameter.name + "' is not learned");
  const bool sgd = options_.type == OptimizerType::sgd;
  for (double& g : gradients) g *= target->lr / (sgd ? 1.0 - options_.momentum : std::abs(g) + target->eps);
  return gradients;
}

void Optimizer::epoch_ended(std::int64_t epochs, double training_loss) {
  for (Schedule& schedule : schedules_) schedule.epoch_ended(epochs, training_loss);
}

double Optimizer::gradient_scale() const {
  if (clip_gradient <= 0) return 1.0;
  double sum = 0;
  for (const Target& target : targets_) {
    if (!target.parameter->frozen) sum += squared_norm(graph_.backend(), *target.parameter);
  }
  const double norm = std::sqrt(sum);
  // As torch.nn.utils.clip_grad_norm_.
  return std::min(1.0, clip_gradient / (norm + 1e-6));
}

bool Optimizer::finishes_gradients() const {
  return options_.type != OptimizerType::sgd && clip_gradient <= 0 &&
         std::ranges::all_of(quantized_, [](const Weights* weights) { return weights->quantizer->fuses_update(); });
}

void Optimizer::prepare(double epochs, std::int64_t steps, double gamma) {
  std::vector<double> factors;
  for (const Schedule& schedule : schedules_) factors.push_back(schedule.factor(epochs));
  lrs_.clear();
  for (const Target& target : targets_) {
    lrs_.push_back(target.parameter->frozen ? 0.0F : static_cast<float>(target.lr * factors[target.schedule]));
  }
  std::vector<float> numbers = {static_cast<float>(1.0 - std::pow(options_.beta1, static_cast<double>(steps))),
                                static_cast<float>(1.0 - std::pow(options_.beta2, static_cast<double>(steps))),
                                static_cast<float>(gamma)};
  numbers.insert(numbers.end(), lrs_.begin(), lrs_.end());
  Backend& backend = graph_.backend();
  if (!numbers_.defined()) numbers_ = backend.allocate(Shape{static_cast<std::int64_t>(numbers.size())});
  set_values(backend, numbers, numbers_);
}

AdamStep Optimizer::adam_step(std::size_t target) const {
  const float* numbers = numbers_.data<float>();
  AdamStep step;
  step.correction1 = Scalar::standing_at(numbers);
  step.correction2 = Scalar::standing_at(numbers + 1);
  step.lr = Scalar::standing_at(numbers + 3 + target);
  step.beta1 = static_cast<float>(options_.beta1);
  step.beta2 = static_cast<float>(options_.beta2);
  step.eps = static_cast<float>(targets_[target].eps);
  step.weight_decay = static_cast<float>(targets_[target].weight_decay);
  step.decoupled = options_.type == OptimizerType::adamw;
  return step;
}

void Optimizer::update() {
  const TraceScope range("update");
  Backend& backend = graph_.backend();
  const auto scale = static_cast<float>(gradient_scale());
  std::vector<QuantizedLayer> layers;
  if (finishes_gradients()) {
    for (Weights* weights : quantized_) layers.push_back(weights->quantizer->fused_update(backend, weights->parameter));
  }
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    const Target& target = targets_[t];
    Parameter& p = *target.parameter;
    UpdateRule rule;
    rule.lower = p.lower;
    rule.upper = p.upper;
    rule.bits = target.quantizer != nullptr ? target.quantizer->frozen_bits() : nullptr;
    rule.pull = p.pull.defined() ? &p.pull : nullptr;
    if (options_.type == OptimizerType::sgd) {
      SgdStep step;
      step.lr = lrs_[t];
      step.momentum = static_cast<float>(options_.momentum);
      step.nesterov = options_.nesterov;
      step.weight_decay = static_cast<float>(target.weight_decay);
      step.gradient_scale = scale;
      backend.sgd(step, rule, p.gradient, p.slots[0], p.value);
      continue;
    }
    AdamStep step = adam_step(t);
    if (finishes_gradients() && target.part != nullptr) {
      (layers[target.layer].*target.part).step = step;
      continue;
    }
    step.gradient_scale = scale;
    backend.adam(step, rule, p.gradient, p.slots[0], p.slots[1], p.value);
  }
  backend.quantize_backward_adam(layers, Scalar::standing_at(numbers_.data<float>() + 2));
}

}  // namespace scnn
