#pragma once

#include <cuda_runtime_api.h>

/// Python's packages of the libraries, for messages.
namespace scnn::cuda {

#if CUDART_VERSION >= 13000
inline constexpr const char* cublas_package = "nvidia-cublas";
inline constexpr const char* cudnn_package = "nvidia-cudnn-cu13";
#else
inline constexpr const char* cublas_package = "nvidia-cublas-cu12";
inline constexpr const char* cudnn_package = "nvidia-cudnn-cu12";
#endif

}  // namespace scnn::cuda
