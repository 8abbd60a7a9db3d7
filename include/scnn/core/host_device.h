#pragma once

/// Marks functions that kernels of every backend may call.
#if defined(__CUDACC__)
#define SCNN_HOST_DEVICE __host__ __device__
#else
#define SCNN_HOST_DEVICE
#endif
