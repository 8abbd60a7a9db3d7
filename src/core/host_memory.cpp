#include "scnn/core/host_memory.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace scnn {
namespace {

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= HostMemory::large_page ? HostMemory::large_page : 64};
}

}  // namespace

HostMemory::HostMemory(std::size_t bytes)
    : bytes_(bytes), data_(::operator new(std::max<std::size_t>(bytes, 1), alignment_of(bytes))) {
#if defined(__linux__)
  // Whole pages alone, so that no more memory is taken; where it is refused, small pages do.
  if (bytes >= large_page) madvise(data_, bytes / large_page * large_page, MADV_HUGEPAGE);
#endif
  std::memset(data_, 0, bytes);
}

HostMemory::HostMemory(HostMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, 0)), data_(std::exchange(other.data_, nullptr)) {}

HostMemory& HostMemory::operator=(HostMemory&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(data_, other.data_);
  return *this;
}

HostMemory::~HostMemory() {
  if (data_ != nullptr) ::operator delete(data_, alignment_of(bytes_));
}

}  // namespace scnn
