#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <cstring>

#include "backend/checks.h"
#include "core/cores.h"
#include "core/trace.h"
#include "scnn/core/error.h"

namespace scnn::cpu {

CpuBackend::CpuBackend(const BackendOptions& options)
    : workers_(options.threads > 0 ? options.threads : usable_cores()), convolutions_(workers_), winograd_(workers_) {
  require(options.threads >= 0, ErrorKind::device, "device.threads must not be negative (0: every core)");
  require(options.precision == Precision::fp32, ErrorKind::device,
          "tf32 and bf16 need a CUDA device, the CPU computes in fp32: set device.precision: fp32");
  require(options.convolution != ConvolutionPath::cudnn, ErrorKind::device,
          "cuDNN needs a CUDA device: set device.convolution: auto");
}

std::string CpuBackend::description() const {
  return processor_name() + ", " + std::to_string(workers_.count()) + (workers_.count() == 1 ? " thread" : " threads") +
         ", " + product_library();
}

Tensor CpuBackend::allocate(const Shape& shape, DType dtype) { return Tensor::host(shape, dtype); }

void CpuBackend::copy(const Tensor& from, Tensor& to) {
  const TraceScope range("kernel", "copy");
  if (from.device().type != DeviceType::cpu || to.device().type != DeviceType::cpu) {
    checks::fail("copy", "the CPU backend reaches host memory only");
  }
  if (from.size() != to.size() || from.dtype() != to.dtype()) {
    checks::fail("copy", "from " + from.shape().str() + " " + name(from.dtype()) + " to " + to.shape().str() + " " +
                             name(to.dtype()));
  }
  if (from.size() > 0) std::memmove(to.raw(), from.raw(), from.bytes());
}

void CpuBackend::fill(Tensor& x, float value) {
  const TraceScope range("kernel", "fill");
  float* out = x.data<float>();
  workers_.elements(x.size(), [=](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, value); });
}

std::unique_ptr<Backend> make_backend(const BackendOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace scnn::cpu
