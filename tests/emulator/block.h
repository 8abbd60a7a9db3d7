#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "emulator/fiber.h"
#include "emulator/report.h"
#include "emulator/types.h"

/// The threads of one CUDA block: one fiber each, in a shuffled order, one at a time.
namespace emulator {

struct AsyncCopy {
  void* to;
  const void* from;
  bool wanted;  ///< false: 16 zero bytes instead
};

struct Thread {
  enum class State : unsigned char { ready, at_barrier, at_warp, done };

  uint3 index = {};
  int lane = 0, warp = 0;
  State state = State::ready;
  Place at;
  int barriers_passed = 0, warp_barriers_passed = 0;
  std::vector<AsyncCopy> open_copies;
  std::deque<std::vector<AsyncCopy>> copy_groups;
  std::unique_ptr<Fiber> fiber;
};

/// What one lane brings to a warp operation; the last lane to come computes the results of all of them.
struct WarpOperation {
  const char* name;
  void* argument;
};
using WarpArguments = std::array<void*, 32>;

struct Warp {
  std::uint32_t arrived = 0, exited = 0;
  std::array<const char*, 32> names = {};
  std::array<std::uint32_t, 32> masks = {};
  WarpArguments arguments = {};
};

struct Shape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
};

/// Runs every block of a grid in a shuffled order.
void run_grid(const Shape& shape, const std::function<void()>& body, unsigned seed);

inline constinit thread_local Thread* running = nullptr;
/// The CUDA thread whose code runs, or null.
[[nodiscard]] inline Thread* running_thread() { return running; }

// What kernels ask.  Constant within a thread of a block.
[[nodiscard]] uint3 thread_index() __attribute__((const));
[[nodiscard]] uint3 block_index() __attribute__((const));
[[nodiscard]] dim3 block_extent() __attribute__((const));
[[nodiscard]] dim3 grid_extent() __attribute__((const));
[[nodiscard]] int lane() __attribute__((const));
[[nodiscard]] unsigned char* shared_memory() __attribute__((const));

void block_barrier(Place place);
/// __syncwarp: unlike the other warp operations it orders memory.
void warp_barrier(std::uint32_t mask, Place place);
/// Every lane of `mask` brings an argument; `execute` sees those of all lanes at once.
void warp_operation(const char* name, std::uint32_t mask, void* argument,
                    void (*execute)(const WarpArguments&, std::uint32_t mask), Place place);

/// How often threads have taken turns so far: a measure of the emulator's work.
[[nodiscard]] std::uint64_t turns_taken();

}  // namespace emulator
