#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

struct ImageLoad {
  const std::uint8_t* pixels;  ///< [n, h, w, channels]
  const std::int32_t *labels, *indices;
  const float* table;
  AugmentSteps steps;
  RandomStream stream;
  int images, h, w, channels;
  float* x;
  std::int32_t* y;
  Fault* faults;
};

/// A block an image: one thread draws, all write.
__global__ void __launch_bounds__(block_threads) load_image(ImageLoad load) {
  GPU_SMEM(AugmentPlan, plan);
  const std::int64_t i = blockIdx.x;
  const std::int32_t index = load.indices[i];
  const bool known = index >= 0 && index < load.images;
  if (threadIdx.x == 0) {
    if (known) {
      plan = plan_of_image(load.steps, load.stream, index, load.h, load.w);
      load.y[i] = load.labels[index];
    } else {
      report(load.faults, FaultKind::image, index, load.images);
    }
  }
  __syncthreads();
  if (!known) return;
  const int size = load.h * load.w * load.channels;
  const std::uint8_t* from = load.pixels + static_cast<std::int64_t>(index) * size;
  for (int at = static_cast<int>(threadIdx.x); at < size; at += block_threads) {
    const int place = at / load.channels;
    const int c = at - place * load.channels;
    const int row = place / load.w;
    const PixelSource source = pixel_source(plan, row, place - row * load.w);
    float value = 0;
    if (source.kind != PixelSource::Kind::mean) {
      const int raw =
          source.kind == PixelSource::Kind::image ? from[(source.y * load.w + source.x) * load.channels + c] : 0;
      value = load.table[256 * c + raw];
    }
    load.x[i * size + at] = value;
  }
}

}  // namespace

void CudaBackend::load_images(const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                              const AugmentSteps& steps, const RandomStream& stream, Tensor& x, Tensor& y) {
  constexpr const char* op = "load_images";
  checks::load_images(op, pixels, labels, indices, table, steps, x, y);
  for (int i = 0; i < steps.count; ++i) {
    if (steps.step[i].kind == AugmentStep::Kind::auto_augment) checks::fail(op, "auto_augment is the host's work");
  }
  if (indices.size() == 0) return;
  const Shape& stored = pixels.shape();
  const auto narrow = [](std::int64_t extent) { return static_cast<int>(extent); };
  launch(*stream_, op, load_image, dim3(static_cast<unsigned>(indices.size())), dim3(block_threads),
         sizeof(AugmentPlan),
         ImageLoad{in<std::uint8_t>(op, pixels), in<std::int32_t>(op, labels), in<std::int32_t>(op, indices),
                   in(op, table), steps, stream, narrow(stored[0]), narrow(stored[1]), narrow(stored[2]),
                   narrow(stored[3]), out(op, x), out<std::int32_t>(op, y), stream_->faults()});
}

}  // namespace scnn::cuda
