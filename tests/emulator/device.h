#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda_runtime_api.h"

/// What tests may change about the emulated device, and ask of it.
namespace emulator {

struct Device {
  int count = 1;
  int major = 9, minor = 0;
  std::size_t shared_bytes = 227 * 1024;  ///< that a block is said to have
  cudaError_t driver = cudaSuccess;       ///< what every question for devices answers
  unsigned seed = 1;                      ///< of the schedules
  std::uint64_t launches = 0;
  std::uint64_t graph_launches = 0;
  std::vector<std::string>
      nsight;  ///< what the profiler's interface was told: "start", "push DOMAIN NAME", "pop DOMAIN"
};

[[nodiscard]] Device& device();

/// The next call of the named runtime function returns `error`; "launch" is the next kernel launch.
void fail_next(const std::string& function, cudaError_t error);

/// Graphs that were made and not destroyed.
[[nodiscard]] std::size_t graphs_in_use();

}  // namespace emulator
