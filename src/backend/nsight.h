#pragma once

#include <memory>

#include "core/trace.h"

namespace scnn::cuda {

/// Tells NVIDIA's tools of ranges (NVTX, domain "scnn"), and opens their capture range (cudaProfilerStart) for as long
/// as the object lives.  Error(device) in a build without CUDA.  Implemented by cuda or src/backend/no_cuda.
[[nodiscard]] std::unique_ptr<TraceSink> nsight_capture();

}  // namespace scnn::cuda
