#include "scnn/train/evaluate.h"

#include <functional>
#include <numeric>

#include "core/trace.h"
#include "scnn/backend/host_copy.h"

namespace scnn {

std::int64_t count_equal(Backend& backend, const Tensor& a, const Tensor& b) {
  const auto on_host = [&](const Tensor& tensor) {
    if (tensor.device().type == DeviceType::cpu) return tensor;
    Tensor host = Tensor::host(tensor.shape(), tensor.dtype());
    backend.copy(tensor, host);
    return host;
  };
  const Tensor left = on_host(a);
  const Tensor right = on_host(b);
  const auto x = left.values<std::int32_t>();
  return std::inner_product(x.begin(), x.end(), right.data<std::int32_t>(), std::int64_t{0}, std::plus<>(),
                            std::equal_to<>());
}

Metrics evaluate(Graph& graph, const ImageSet& set, const Normalization& normalization, std::int64_t batch_size) {
  const TraceScope range("evaluation");
  Backend& backend = graph.backend();
  BatchOptions options;
  options.batch_size = batch_size;
  const std::unique_ptr<Batches> batches = make_batches(backend, set, normalization, options);
  batches->start(0);
  Metrics metrics;
  double loss_sum = 0;
  std::int64_t correct = 0;
  while (const Batch* batch = batches->next()) {
    const Shape shape{batch->labels.size()};
    Tensor loss = backend.allocate(shape);
    Tensor predicted = backend.allocate(shape, DType::int32);
    backend.softmax_cross_entropy(graph.forward(batch->images, Pass{}), batch->labels, 0.0F, loss, predicted, nullptr);
    for (const float value : host_values(backend, loss)) loss_sum += value;
    correct += count_equal(backend, predicted, batch->labels);
    metrics.images += shape.size();
  }
  if (metrics.images > 0) {
    metrics.loss = loss_sum / static_cast<double>(metrics.images);
    metrics.top1 = static_cast<double>(correct) / static_cast<double>(metrics.images);
  }
  return metrics;
}

}  // namespace scnn
