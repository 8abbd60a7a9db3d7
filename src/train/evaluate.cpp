#include "scnn/train/evaluate.h"

#include "scnn/core/range.h"

namespace scnn {

DeviceBatch to_device(Backend& backend, const Batch& batch) {
  if (backend.device().type == DeviceType::cpu) return {batch.images, batch.labels};
  DeviceBatch there{backend.allocate(batch.images.shape()), backend.allocate(batch.labels.shape(), DType::int32)};
  backend.copy(batch.images, there.images);
  backend.copy(batch.labels, there.labels);
  return there;
}

Metrics evaluate(Graph& graph, const ImageSet& set, const Normalisation& normalisation, std::int64_t batch_size) {
  const Range range("evaluation");
  Backend& backend = graph.backend();
  BatchOptions options;
  options.batch_size = batch_size;
  BatchLoader loader(set, normalisation, options);
  loader.start(0);
  Metrics metrics;
  double loss_sum = 0;
  std::int64_t correct = 0;
  while (const Batch* batch = loader.next()) {
    const DeviceBatch x = to_device(backend, *batch);
    const Shape shape{x.labels.size()};
    Tensor loss = backend.allocate(shape);
    Tensor predicted = backend.allocate(shape, DType::int32);
    backend.softmax_cross_entropy(graph.forward(x.images, Pass{}), x.labels, 0.0F, loss, predicted, nullptr);
    Tensor host_loss = Tensor::host(shape);
    Tensor host_predicted = Tensor::host(shape, DType::int32);
    backend.copy(loss, host_loss);
    backend.copy(predicted, host_predicted);
    for (std::int64_t i = 0; i < shape.size(); ++i) {
      loss_sum += host_loss.data<float>()[i];
      correct += host_predicted.data<std::int32_t>()[i] == batch->labels.data<std::int32_t>()[i] ? 1 : 0;
    }
    metrics.images += shape.size();
  }
  if (metrics.images > 0) {
    metrics.loss = loss_sum / static_cast<double>(metrics.images);
    metrics.top1 = static_cast<double>(correct) / static_cast<double>(metrics.images);
  }
  return metrics;
}

}  // namespace scnn
