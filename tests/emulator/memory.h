#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// The memory of the emulated device: one range of addresses, each byte of it closed, fresh or written.
///
/// In builds without a sanitizer, kernels and the host code beside them are compiled so that every load and store asks
/// memcheck.cpp first, which leaves to check_access what is not plainly right; that ends the program at the first
/// access out of bounds, read of a fresh byte, kernel access to host memory, or host access to the device's.
/// AddressSanitizer builds see closed bytes as poisoned.
namespace emulator {

enum class Byte : std::uint8_t { closed = 0, fresh = 1, written = 2 };

constexpr std::size_t device_bytes = std::size_t{1} << 30;
constexpr std::size_t shared_room = std::size_t{256} << 10;  // behind the device's memory
constexpr std::size_t arena_bytes = device_bytes + shared_room;

/// Where the range begins, and the states of its bytes.  Before anything asked for memory, where no program has any.
struct Range {
  std::uintptr_t begin = std::uintptr_t{1} << 63;
  unsigned char* states = nullptr;

  /// An offset beyond arena_bytes is no place in it.
  [[nodiscard]] std::size_t offset_of(const void* place) const {
    return reinterpret_cast<std::uintptr_t>(place) - begin;
  }
};
inline constinit Range range;

[[nodiscard]] inline bool is_device_memory(const void* place) { return range.offset_of(place) < arena_bytes; }

/// Bytes of device memory, fresh and filled with 0xff (NaN), or null where none are left.
[[nodiscard]] void* device_allocate(std::size_t bytes);
/// False where `place` is not what device_allocate returned.
[[nodiscard]] bool device_free(void* place);
/// Allocated memory that is not there for a while, as a graph's between its launches; fresh when it is opened again.
void device_close(void* place, std::size_t bytes);
void device_open(void* place, std::size_t bytes);
[[nodiscard]] std::size_t device_bytes_in_use();
[[nodiscard]] std::size_t device_bytes_peak();
/// The peak is what is in use now.
void forget_device_peak();
/// Pretends that the device has no more than this.
void limit_device_bytes(std::size_t bytes);

/// While none of these lives, the device's memory is closed to everyone: host code that follows a device pointer dies
/// of SIGSEGV, instrumented or not.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

/// The emulated driver's own accesses: each ends the program where the range is not open, and reads where it is fresh.
void driver_reads(const void* from, std::size_t bytes);
void driver_writes(void* to, std::size_t bytes);

/// The bytes hold nothing yet, whatever was written: a copy into them is on its way.
void still_fresh(void* to, std::size_t bytes);

void check_access(const void* place, std::size_t bytes, bool is_write);

/// What check_access finds right almost always: bytes in the range that were written to.
template <std::size_t bytes>
[[nodiscard]] bool is_written(const void* place) {
  static constexpr auto written = [] {
    std::array<Byte, bytes> all{};
    all.fill(Byte::written);
    return all;
  }();
  return is_device_memory(place) && std::memcmp(range.states + range.offset_of(place), written.data(), bytes) == 0;
}

/// Shared memory of the block that runs, fresh and poisoned with NaN for each block.
class SharedMemory {
 public:
  void open(std::size_t bytes);
  void close();
  [[nodiscard]] unsigned char* begin() const { return begin_; }

 private:
  unsigned char* begin_ = nullptr;
  std::size_t bytes_ = 0;
};

constexpr std::size_t shared_bytes_per_block = std::size_t{227} << 10;
constexpr std::size_t shared_bytes_without_asking = std::size_t{48} << 10;

}  // namespace emulator
