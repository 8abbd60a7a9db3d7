#pragma once

#include <memory>

#include "scnn/core/range.h"

namespace scnn::cuda {

/// Tells NVIDIA's tools of ranges (NVTX, domain "scnn"), and opens their capture range (cudaProfilerStart) for as long
/// as the object lives.  Error(device) in a build without CUDA.  Implemented by cuda or src/backend/no_cuda.
[[nodiscard]] std::unique_ptr<RangeSink> nsight_capture();

}  // namespace scnn::cuda
