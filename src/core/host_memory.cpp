#include "core/host_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

// AddressSanitizer watches what comes from `new`.
#if defined(__SANITIZE_ADDRESS__)
#define SCNN_SANITIZED_MEMORY
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCNN_SANITIZED_MEMORY
#endif
#endif
#if defined(__linux__) && !defined(SCNN_SANITIZED_MEMORY)
#define SCNN_LARGE_PAGES
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace scnn {
namespace {

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= HostMemory::large_page ? HostMemory::large_page : 64};
}

#if defined(SCNN_LARGE_PAGES)
/// Pages of the system's own, which are zero without being written.
void* large(std::size_t bytes) {
  constexpr std::size_t page = HostMemory::large_page;
  if (bytes > SIZE_MAX - page) throw std::bad_alloc();
  void* const all = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  auto* const first = static_cast<std::byte*>(all);
  const std::size_t before = (page - reinterpret_cast<std::uintptr_t>(all) % page) % page;
  if (before > 0) munmap(first, before);
  const auto small = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  munmap(first + before + (bytes + small - 1) / small * small, page - before);
  // Whole pages alone, so that no more memory is taken; where it is refused, small pages do.
  madvise(first + before, bytes / page * page, MADV_HUGEPAGE);
  return first + before;
}
#endif

}  // namespace

HostMemory::HostMemory(std::size_t bytes) : bytes_(bytes) {
#if defined(SCNN_LARGE_PAGES)
  if (bytes >= large_page) {
    data_ = large(bytes);
    return;
  }
#endif
  data_ = ::operator new(std::max<std::size_t>(bytes, 1), alignment_of(bytes));
  std::memset(data_, 0, bytes);
}

float* HostMemory::floats(std::int64_t count) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
  if (bytes_ < bytes) *this = HostMemory(bytes);
  return static_cast<float*>(data_);
}

HostMemory::HostMemory(HostMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, 0)), data_(std::exchange(other.data_, nullptr)) {}

HostMemory& HostMemory::operator=(HostMemory&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(data_, other.data_);
  return *this;
}

HostMemory::~HostMemory() {
  if (data_ == nullptr) return;
#if defined(SCNN_LARGE_PAGES)
  if (bytes_ >= large_page) {
    munmap(data_, bytes_);
    return;
  }
#endif
  ::operator delete(data_, alignment_of(bytes_));
}

}  // namespace scnn
