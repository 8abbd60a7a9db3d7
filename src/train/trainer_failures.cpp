// What a training step that fails is told as.
#include "scnn/core/error.h"
#include "scnn/train/trainer.h"
#include "train/all_finite.h"

namespace scnn {

void Trainer::step() {
  try {
    train_step();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::memory) throw;
    const auto mebibytes = [](std::int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; };
    const Graph::Memory memory = graph_.training_memory();
    const std::int64_t batch = options_.train.batch_size;
    throw Error(ErrorKind::memory, std::string(error.what()) + "; training with train.batch_size " +
                                       std::to_string(batch) + " keeps about " + mebibytes(batch * memory.of_image) +
                                       " of activations and " + mebibytes(memory.of_parameters) +
                                       " of parameters, and ops need room of their own: lower train.batch_size");
  }
}

void Trainer::report_nan(const std::string& what, const Pass& pass, const Tensor& images) {
  Backend& backend = graph_.backend();
  std::string place;
  std::string remedy = "lower train.optimizer.lr or set train.clip_gradient";
  for (const Parameter* parameter : graph_.parameters()) {
    if (all_finite(backend, parameter->value)) continue;
    place = " (parameter '" + parameter->name + "')";
    if (parameter->role == ParameterRole::bits) remedy = "lower compression.gamma or the learning rate of *.bits";
    break;
  }
  std::string layer;
  graph_.probe = [&](const Graph::Node& node, bool, const Tensor& result) {
    if (layer.empty() && !all_finite(backend, result)) layer = node.spec.name;
  };
  graph_.forward(images, pass);
  graph_.probe = nullptr;
  if (!layer.empty()) place += ", first seen in the output of layer '" + layer + "'";
  const std::int64_t step = state_.clock.step + (pass.mode == Mode::train ? 1 : 0);
  throw Error(ErrorKind::training,
              "step " + std::to_string(step) + ": " + what + " is not a number" + place + "; " + remedy);
}

}  // namespace scnn
