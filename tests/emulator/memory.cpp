#include "emulator/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <map>
#include <vector>

#include "emulator/block.h"

#if defined(EMULATOR_ASAN)
#include <sanitizer/asan_interface.h>
#endif

extern "C" {
extern const char __executable_start[];
extern const char _end[];
}

namespace emulator {
namespace {

#if defined(EMULATOR_MEMCHECK)
constexpr bool follows_writes = true;
#else
constexpr bool follows_writes = false;  // kernels do not tell what they write
#endif
constexpr std::size_t alignment = 256;

unsigned char* reserve(std::size_t bytes) {
  void* range = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) die("no addresses for the device's memory");
  return static_cast<unsigned char*>(range);
}

struct Arena {
  unsigned char* base = reserve(arena_bytes);
  std::size_t end = alignment;                           // nothing was ever allocated from here on
  std::map<std::size_t, std::size_t> allocated;          // offset to bytes
  std::map<std::size_t, std::vector<std::size_t>> free;  // room to offsets
  std::size_t in_use = 0, peak = 0, limit = device_bytes;

  Arena() {
    // An access may begin with the last byte.
    range = {reinterpret_cast<std::uintptr_t>(base), reserve(arena_bytes + alignment)};
    close(0, arena_bytes);
  }
  void open(std::size_t offset, std::size_t bytes) {
#if defined(EMULATOR_ASAN)
    __asan_unpoison_memory_region(base + offset, bytes);
#endif
    std::memset(range.states + offset, static_cast<int>(Byte::fresh), bytes);
    std::memset(base + offset, 0xff, bytes);
  }
  /// Once nothing is allocated: pages that are there cost time whenever the host's access begins or ends.
  void begin_anew() {
    for (unsigned char* pages : {base, range.states}) madvise(pages, device_bytes, MADV_DONTNEED);
    end = alignment;
    free.clear();
  }
  void close(std::size_t offset, std::size_t bytes) {
#if defined(EMULATOR_ASAN)
    __asan_poison_memory_region(base + offset, bytes);
#endif
    if (bytes < arena_bytes) std::memset(range.states + offset, static_cast<int>(Byte::closed), bytes);
  }
};

Arena& arena() {
  static Arena a;
  return a;
}

/// At least one closed stretch lies behind every allocation.
std::size_t room_for(std::size_t bytes) { return (bytes + alignment) / alignment * alignment + alignment; }

[[noreturn]] void refuse(Byte state, bool is_write) {
  if (state == Byte::fresh) die("read of memory that nothing was written to, or that a cp.async still writes");
  die(is_write ? "write out of bounds" : "read out of bounds");
}

void check_states(std::size_t offset, std::size_t bytes, bool is_write) {
  unsigned char* states = range.states + offset;
  if (offset + bytes > arena_bytes) refuse(Byte::closed, is_write);
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto state = static_cast<Byte>(states[i]);
    if (state == Byte::written || (state == Byte::fresh && (is_write || !follows_writes))) continue;
    refuse(state, is_write);
  }
  if (is_write) std::memset(states, static_cast<int>(Byte::written), bytes);
}

}  // namespace

namespace {
int accesses = 0;
void protect(int protection) { mprotect(arena().base, arena_bytes, protection); }
}  // namespace

DeviceAccess::DeviceAccess() {
  if (accesses++ == 0) protect(PROT_READ | PROT_WRITE);
}

DeviceAccess::~DeviceAccess() {
  if (--accesses == 0) protect(PROT_NONE);
}

void* device_allocate(std::size_t bytes) {
  const Quiet quiet;
  const DeviceAccess access;
  Arena& a = arena();
  if (bytes > a.limit - a.in_use) return nullptr;
  const std::size_t room = room_for(bytes);
  std::vector<std::size_t>& reusable = a.free[room];
  std::size_t offset = a.end;
  if (!reusable.empty()) {
    offset = reusable.back();
    reusable.pop_back();
  } else if (room > device_bytes - a.end) {
    return nullptr;
  } else {
    a.end += room;
  }
  a.allocated[offset] = bytes;
  a.in_use += bytes;
  a.peak = a.in_use > a.peak ? a.in_use : a.peak;
  a.open(offset, bytes);
  return a.base + offset;
}

bool device_free(void* place) {
  const Quiet quiet;
  Arena& a = arena();
  const auto found = a.allocated.find(range.offset_of(place));
  if (found == a.allocated.end()) return false;
  const auto [offset, bytes] = *found;
  a.close(offset, bytes);
  a.in_use -= bytes;
  a.free[room_for(bytes)].push_back(offset);
  a.allocated.erase(found);
  if (a.allocated.empty()) a.begin_anew();
  return true;
}

void device_close(void* place, std::size_t bytes) {
  const Quiet quiet;
  arena().close(range.offset_of(place), bytes);
}

void device_open(void* place, std::size_t bytes) {
  const Quiet quiet;
  const DeviceAccess access;
  arena().open(range.offset_of(place), bytes);
}

std::size_t device_bytes_peak() { return arena().peak; }

void forget_device_peak() { arena().peak = arena().in_use; }
std::size_t device_bytes_in_use() { return arena().in_use; }
void limit_device_bytes(std::size_t bytes) { arena().limit = bytes; }

void driver_reads(const void* from, std::size_t bytes) {
  if (is_device_memory(from)) check_states(range.offset_of(from), bytes, false);
}
void driver_writes(void* to, std::size_t bytes) {
  if (is_device_memory(to)) check_states(range.offset_of(to), bytes, true);
}

void still_fresh(void* to, std::size_t bytes) {
  if (is_device_memory(to)) std::memset(range.states + range.offset_of(to), static_cast<int>(Byte::fresh), bytes);
}

void check_access(const void* place, std::size_t bytes, bool is_write) {
  const Mode now = mode();
  const std::size_t offset = range.offset_of(place);
  if (offset < arena_bytes) {
    if (now == Mode::kernel) {
      check_states(offset, bytes, is_write);
    } else if (now == Mode::host) {
      die("host code touches device memory");
    }
    return;
  }
  if (now != Mode::kernel) return;
  // A thread's stack and the program's constants are its own.
  if (running_thread()->fiber->owns(place)) return;
  const auto* at = static_cast<const char*>(place);
  if (!is_write && at >= __executable_start && at < _end) return;
  die("a kernel touches host memory");
}

void SharedMemory::open(std::size_t bytes) {
  bytes_ = bytes;
#if defined(EMULATOR_TSAN)
  // Fresh addresses for every block: nothing that another block did there can look like a race.
  begin_ = reserve(bytes + 1);
  std::memset(begin_, 0xff, bytes);
#else
  begin_ = arena().base + device_bytes + alignment;
  arena().open(device_bytes + alignment, bytes);
#endif
}

void SharedMemory::close() {
#if defined(EMULATOR_TSAN)
  munmap(begin_, bytes_ + 1);
#else
  arena().close(device_bytes + alignment, bytes_);
#endif
  begin_ = nullptr;
}

}  // namespace emulator
