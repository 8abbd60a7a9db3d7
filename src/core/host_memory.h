#pragma once

#include <cstddef>
#include <cstdint>

namespace scnn {

/// Zeros on the host, aligned to a cache line; from `large_page` bytes on, to large pages, and on them where the system
/// hands them out.  Loops over many streams, such as the planes of transformed tiles, otherwise wait for the tables of
/// small pages at every step, and so does whatever touches a new tensor first.
class HostMemory {
 public:
  static constexpr std::size_t large_page = std::size_t{1} << 21;

  HostMemory() = default;
  /// std::bad_alloc where there is not so much.
  explicit HostMemory(std::size_t bytes);
  HostMemory(HostMemory&& other) noexcept;
  HostMemory& operator=(HostMemory&& other) noexcept;
  ~HostMemory();

  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// At least `count` floats.  Where there are fewer, new zeros take the place of what it held, and pointers to that
  /// end; std::bad_alloc where there is not so much, and it stays as it was.
  [[nodiscard]] float* floats(std::int64_t count);

 private:
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
};

}  // namespace scnn
