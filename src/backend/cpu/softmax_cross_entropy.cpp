#include <algorithm>
#include <cmath>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing, Tensor& loss,
                                       Tensor& predicted, Tensor* dlogits) {
  const TraceScope range("kernel", "softmax_cross_entropy");
  constexpr const char* op = "softmax_cross_entropy";
  if (logits.shape().rank() != 2) checks::fail(op, "logits " + logits.shape().str() + " are not [batch, classes]");
  const std::int64_t batch = logits.shape()[0];
  const std::int64_t classes = logits.shape()[1];
  checks::has_shape(op, "labels", labels, Shape{batch});
  checks::has_shape(op, "loss", loss, Shape{batch});
  checks::has_shape(op, "predicted", predicted, Shape{batch});
  if (dlogits != nullptr) checks::same_shape(op, logits, *dlogits);
  for (const std::int32_t label : labels.values<std::int32_t>()) {
    if (label < 0 || label >= classes) {
      checks::fail(op, "label " + std::to_string(label) + " is outside [0, " + std::to_string(classes) + ")");
    }
  }

  const float* z = logits.data<float>();
  const std::int32_t* target = labels.data<std::int32_t>();
  float* nats = loss.data<float>();
  std::int32_t* best = predicted.data<std::int32_t>();
  float* gradient = dlogits != nullptr ? dlogits->data<float>() : nullptr;
  const double spread = static_cast<double>(smoothing) / static_cast<double>(classes);
  const double on_label = 1.0 - static_cast<double>(smoothing);
  const double weight = 1.0 / static_cast<double>(batch);
  // An exponential costs about as much as 16 plain elements.
  workers_.ranges(batch, 16, 16 * logits.size(), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float* row = z + n * classes;
      const auto top = std::max_element(row, row + classes) - row;
      best[n] = static_cast<std::int32_t>(top);
      const double high = static_cast<double>(row[top]);
      double sum = 0;
      double shifted = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        const double d = static_cast<double>(row[c]) - high;
        sum += std::exp(d);
        shifted += d;
      }
      const double log_sum = std::log(sum);
      const double at_label = static_cast<double>(row[target[n]]) - high;
      nats[n] = static_cast<float>(log_sum - on_label * at_label - (spread > 0 ? spread * shifted : 0.0));
      if (gradient == nullptr) continue;
      for (std::int64_t c = 0; c < classes; ++c) {
        const double p = std::exp(static_cast<double>(row[c]) - high) / sum;
        const double q = spread + (c == target[n] ? on_label : 0.0);
        gradient[n * classes + c] = static_cast<float>(weight * (p - q));
      }
    }
  });
}

}  // namespace scnn::cpu
