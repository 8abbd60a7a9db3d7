#pragma once

#include "cuda_runtime_api.h"

// As NVIDIA's header of this name; emulator::device().nsight notes the calls.
cudaError_t cudaProfilerStart();
cudaError_t cudaProfilerStop();
