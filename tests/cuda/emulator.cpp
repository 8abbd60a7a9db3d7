#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "emulator/device.h"
#include "emulator/memory.h"
#include "planted.h"
#include "tested_backend.h"

#if defined(__SANITIZE_THREAD__)
constexpr bool finds_races = true;
/// The first race ends the program: the planted ones run in a child.
extern "C" const char* __tsan_default_options() { return "halt_on_error=1"; }
#else
constexpr bool finds_races = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool finds_bounds = true;
#else
constexpr bool finds_bounds = false;
#endif
#if defined(EMULATOR_MEMCHECK)
constexpr bool checks_memory = true;
#else
constexpr bool checks_memory = false;
#endif

namespace scnn::test {
namespace {

using planted::Kernel;

/// A stream and two arrays of 256 floats: x written, out fresh.
struct PlantedBench {
  PlantedBench() {
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    std::iota(values.begin(), values.end(), -100.0F);
    cudaMallocAsync(reinterpret_cast<void**>(&x), bytes, stream);
    cudaMallocAsync(reinterpret_cast<void**>(&out), bytes, stream);
    cudaMemcpyAsync(x, values.data(), bytes, cudaMemcpyHostToDevice, stream);
    cudaStreamSynchronize(stream);
  }
  ~PlantedBench() {
    cudaFreeAsync(x, stream);
    cudaFreeAsync(out, stream);
    cudaStreamDestroy(stream);
  }
  PlantedBench(const PlantedBench&) = delete;
  PlantedBench& operator=(const PlantedBench&) = delete;

  void clear() { cudaMemsetAsync(out, 0, bytes, stream); }
  std::vector<float> results(Kernel kernel, unsigned seed) {
    emulator::device().seed = seed;
    planted::run(kernel, x, out, stream);
    std::vector<float> got(256);
    cudaMemcpyAsync(got.data(), out, bytes, cudaMemcpyDeviceToHost, stream);
    cudaStreamSynchronize(stream);
    return got;
  }

  static constexpr std::size_t bytes = 256 * sizeof(float);
  cudaStream_t stream = nullptr;
  float* x = nullptr;
  float* out = nullptr;
  std::vector<float> values = std::vector<float>(256);
};

/// What a child process that does this says before it dies; empty where it does not die.
std::string last_words(const auto& action) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    signal(SIGABRT, SIG_DFL);  // Catch2 would tell of a failed test
    signal(SIGSEGV, SIG_DFL);
    action();
    _exit(0);
  }
  close(ends[1]);
  std::string words;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    words.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) words += "signal " + std::to_string(WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::string{} : words;
}

std::string last_words(Kernel kernel) {
  return last_words([kernel] {
    PlantedBench bench;
    if (kernel != Kernel::device_unwritten && kernel != Kernel::half_written) bench.clear();
    (void)bench.results(kernel, 1);
  });
}

}  // namespace

TEST_CASE("emulated blocks, warps and atomics compute", "[emulator]") {
  PlantedBench bench;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    bench.clear();
    CHECK(bench.results(Kernel::block_sum, seed)[0] == std::accumulate(bench.values.begin(), bench.values.end(), 0.0F));
    bench.clear();
    float first = bench.results(Kernel::counting, seed)[0];
    std::uint32_t count = 0;
    std::memcpy(&count, &first, sizeof count);
    CHECK(count == 8 * 155);
    const std::vector<float> votes = bench.results(Kernel::votes, seed);
    for (std::size_t t = 0; t < 256; ++t) {
      const std::size_t below = t % 32 + 3 < 32 ? t + 3 : t;
      CHECK(votes[t] ==
            (bench.values[t] > 0 ? 1.0F : 0.0F) + static_cast<float>(below) + 1000 * bench.values[t / 32 * 32 + 31]);
    }
  }
}

TEST_CASE("emulated cp.async, ldmatrix and mma multiply matrices", "[emulator]") {
  PlantedBench bench;
  // Small integers: every product and sum is exact.
  std::vector<int> a(16 * 64);
  std::vector<int> b(8 * 64);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<int>(i * 7 % 23) - 11;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<int>(i * 5 % 17) - 8;
  const auto upload = [&](const std::vector<int>& values) {
    std::vector<std::uint16_t> bits;
    for (const int v : values) {
      const auto f = static_cast<float>(v);
      std::uint32_t word = 0;
      std::memcpy(&word, &f, sizeof word);
      bits.push_back(static_cast<std::uint16_t>(word >> 16));
    }
    std::uint16_t* device = nullptr;
    cudaMallocAsync(reinterpret_cast<void**>(&device), bits.size() * 2, bench.stream);
    cudaMemcpyAsync(device, bits.data(), bits.size() * 2, cudaMemcpyHostToDevice, bench.stream);
    cudaStreamSynchronize(bench.stream);
    return device;
  };
  std::vector<int> b_transposed(b.size());
  for (std::size_t n = 0; n < 8; ++n) {
    for (std::size_t k = 0; k < 64; ++k) b_transposed[k * 8 + n] = b[n * 64 + k];
  }
  const std::uint16_t* device_a = upload(a);
  const std::uint16_t* device_b = upload(b);
  const std::uint16_t* device_bt = upload(b_transposed);
  const auto product = [&](bool transposed, bool too_weak, unsigned seed) {
    emulator::device().seed = seed;
    planted::tensor_product(device_a, transposed ? device_bt : device_b, transposed, too_weak, bench.out, bench.stream);
    std::vector<float> got(128);
    cudaMemcpyAsync(got.data(), bench.out, 512, cudaMemcpyDeviceToHost, bench.stream);
    cudaStreamSynchronize(bench.stream);
    return got;
  };
  for (unsigned seed = 1; seed <= 3; ++seed) {
    for (const bool transposed : {false, true}) {
      const std::vector<float> got = product(transposed, false, seed);
      for (std::size_t i = 0; i < got.size(); ++i) {
        int sum = 0;
        for (std::size_t k = 0; k < 64; ++k) sum += a[i / 8 * 64 + k] * b[i % 8 * 64 + k];
        CHECK(got[i] == static_cast<float>(sum));
      }
    }
  }
  // A wait that lets one stage too many be on its way reads what has not arrived.
  if (checks_memory) {
    CHECK(contains(last_words([&] { (void)product(false, true, 1); }), "cp.async still writes"));
  } else {
    CHECK(std::isnan(product(false, true, 1)[0]));
  }
}

TEST_CASE("broken barriers and warp operations end the program with their place", "[emulator]") {
  const std::pair<Kernel, const char*> faults[] = {
      {Kernel::divergent_barrier, "wait at different __syncthreads"},
      {Kernel::absent_lanes, "deadlock"},
      {Kernel::exited_lane, "names an exited lane"},
      {Kernel::foreign_source, "a shuffle from a lane outside the mask"},
      {Kernel::not_in_own_mask, "its own mask does not name"},
      {Kernel::different_operations, "different operations"},
      {Kernel::misaligned_copy, "not aligned to 16 bytes"},
  };
  for (const auto& [kernel, message] : faults) {
    const std::string words = last_words(kernel);
    INFO(words);
    CHECK(contains(words, message));
    CHECK(contains(words, "block (0,0,0), thread ("));
  }
}

TEST_CASE("accesses out of bounds end the program", "[emulator]") {
  if (!checks_memory && !finds_bounds) SCNN_SKIP("bounds are found by GCC's plain and AddressSanitizer builds");
  for (const Kernel kernel :
       {Kernel::read_beyond, Kernel::write_beyond, Kernel::read_before, Kernel::shared_beyond, Kernel::half_beyond}) {
    const std::string words = last_words(kernel);
    INFO(static_cast<int>(kernel) << ": " << words);
    CHECK(contains(words, finds_bounds ? "AddressSanitizer: use-after-poison" : "out of bounds: block (0,0,0)"));
  }
}

TEST_CASE("vectors at unaligned addresses end the program", "[emulator]") {
  if (!checks_memory) SCNN_SKIP("alignment is checked in GCC's plain builds");
  CHECK(contains(last_words(Kernel::misaligned_vector), "misaligned access: block (0,0,0), thread (9,0,0)"));
}

TEST_CASE("what nothing was written to is not read", "[emulator]") {
  if (!checks_memory) SCNN_SKIP("writes are followed in GCC's plain builds");
  const auto copy_out = [] {
    const PlantedBench bench;
    float value = 0;
    cudaMemcpyAsync(&value, bench.out, sizeof value, cudaMemcpyDeviceToHost, bench.stream);
    cudaStreamSynchronize(bench.stream);
  };
  CHECK(contains(last_words(copy_out), "nothing was written to"));
  for (const Kernel kernel : {Kernel::device_unwritten, Kernel::half_written, Kernel::missing_barrier}) {
    const std::string words = last_words(kernel);
    INFO(static_cast<int>(kernel) << ": " << words);
    CHECK(contains(words, "nothing was written to"));
    CHECK(contains(words, ": block (0,0,0)"));
  }
}

TEST_CASE("host and device memory are kept apart", "[emulator]") {
  CHECK_FALSE(last_words([] {
                const PlantedBench bench;
                const volatile float* x = bench.x;
                (void)*x;
              }).empty());
  if (!checks_memory) SCNN_SKIP("accesses are followed in GCC's plain builds");
  CHECK(contains(last_words([] {
                   const PlantedBench bench;
                   (void)planted::host_read(bench.x);
                 }),
                 "host code touches device memory"));
  CHECK(contains(last_words([] {
                   PlantedBench bench;
                   std::vector<float> host(256);
                   planted::run(Kernel::block_sum, host.data(), bench.out, bench.stream);
                   cudaStreamSynchronize(bench.stream);
                 }),
                 "a kernel touches host memory"));
  CHECK(contains(last_words([] {
                   PlantedBench bench;
                   cudaFreeAsync(bench.x, bench.stream);
                   planted::run(Kernel::block_sum, bench.x, bench.out, bench.stream);
                   cudaStreamSynchronize(bench.stream);
                 }),
                 "read out of bounds"));
}

TEST_CASE("missing barriers and races of blocks are found", "[emulator]") {
  if (finds_races) {
    CHECK(last_words(Kernel::block_sum).empty());
    for (const Kernel kernel : {Kernel::missing_barrier, Kernel::write_after_read, Kernel::race_of_blocks}) {
      const std::string words = last_words(kernel);
      INFO(static_cast<int>(kernel) << ": " << words);
      CHECK(contains(words, "ThreadSanitizer: data race"));
    }
    return;
  }
  // Without ThreadSanitizer the shuffled schedules still tell: the results depend on them.
  PlantedBench bench;
  for (const Kernel kernel : {Kernel::write_after_read, Kernel::race_of_blocks}) {
    std::set<std::vector<float>> results;
    for (unsigned seed = 1; seed <= 8; ++seed) {
      bench.clear();
      results.insert(bench.results(kernel, seed));
    }
    CHECK(results.size() > 1);
  }
}

TEST_CASE("work on a stream is not done before somebody waits", "[emulator]") {
  PlantedBench bench;
  bench.clear();
  planted::run(Kernel::block_sum, bench.x, bench.out, bench.stream);
  float sum = 0;
  cudaMemcpyAsync(&sum, bench.out, sizeof sum, cudaMemcpyDeviceToHost, bench.stream);
  CHECK(std::isnan(sum));
  cudaStreamSynchronize(bench.stream);
  CHECK(sum == std::accumulate(bench.values.begin(), bench.values.end(), 0.0F));
  CHECK(cudaMemcpyAsync(&sum, bench.out, sizeof sum, cudaMemcpyHostToDevice, bench.stream) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
}

}  // namespace scnn::test
