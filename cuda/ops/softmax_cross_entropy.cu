#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

constexpr unsigned whole_warp = 0xffffffffU;

struct Rows {
  std::int64_t batch;
  int classes;
  double spread, on_label;
  const float* logits;
  const std::int32_t* labels;
  float* loss;
  std::int32_t* predicted;
  float* gradient;  ///< may be null
  Fault* faults;
};

/// A warp for each row, its lanes over the classes; in double, as rows are short.
__global__ void __launch_bounds__(block_threads) softmax_cross_entropy_kernel(Rows rows) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * (block_threads / 32) + threadIdx.x / 32;
  if (n >= rows.batch) return;
  const int classes = rows.classes;
  const float* row = rows.logits + n * classes;
  const int label = rows.labels[n];
  if (label < 0 || label >= classes) {
    if (lane == 0) report(rows.faults, FaultKind::label, label, classes);
    return;
  }

  int top = lane < classes ? lane : 0;
  for (int c = lane; c < classes; c += 32) top = row[c] > row[top] ? c : top;
  for (int step = 16; step > 0; step /= 2) {
    const int other = __shfl_xor_sync(whole_warp, top, step);
    // The first of equals, whichever lane has it.
    if (row[other] > row[top] || (row[other] == row[top] && other < top)) top = other;
  }
  top = __shfl_sync(whole_warp, top, 0);
  const auto high = static_cast<double>(row[top]);
  double sum = 0;
  double shifted = 0;
  for (int c = lane; c < classes; c += 32) {
    const double d = static_cast<double>(row[c]) - high;
    sum += exp(d);
    shifted += d;
  }
  sum = warp_sum(sum);
  shifted = warp_sum(shifted);
  if (lane == 0) {
    const double at_label = static_cast<double>(row[label]) - high;
    const double smoothed = rows.spread > 0 ? rows.spread * shifted : 0.0;
    rows.loss[n] = static_cast<float>(log(sum) - rows.on_label * at_label - smoothed);
    rows.predicted[n] = top;
  }
  if (rows.gradient == nullptr) return;
  const double weight = 1.0 / static_cast<double>(rows.batch);
  for (int c = lane; c < classes; c += 32) {
    const double p = exp(static_cast<double>(row[c]) - high) / sum;
    const double q = rows.spread + (c == label ? rows.on_label : 0.0);
    rows.gradient[n * classes + c] = static_cast<float>(weight * (p - q));
  }
}

}  // namespace

void CudaBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing, Tensor& loss,
                                        Tensor& predicted, Tensor* dlogits) {
  constexpr const char* op = "softmax_cross_entropy";
  if (logits.shape().rank() != 2) checks::fail(op, "logits " + logits.shape().str() + " are not [batch, classes]");
  const std::int64_t batch = logits.shape()[0];
  const std::int64_t classes = logits.shape()[1];
  checks::has_shape(op, "labels", labels, Shape{batch});
  checks::has_shape(op, "loss", loss, Shape{batch});
  checks::has_shape(op, "predicted", predicted, Shape{batch});
  if (dlogits != nullptr) checks::same_shape(op, logits, *dlogits);
  if (batch == 0) return;
  const Rows rows{batch,
                  static_cast<int>(classes),
                  static_cast<double>(smoothing) / static_cast<double>(classes),
                  1.0 - static_cast<double>(smoothing),
                  in(op, logits),
                  in<std::int32_t>(op, labels),
                  out(op, loss),
                  out<std::int32_t>(op, predicted),
                  dlogits != nullptr ? out(op, *dlogits) : nullptr,
                  stream_->faults()};
  launch(*stream_, op, softmax_cross_entropy_kernel, dim3(blocks_for(batch, block_threads / 32)), dim3(block_threads),
         0, rows);
}

}  // namespace scnn::cuda
