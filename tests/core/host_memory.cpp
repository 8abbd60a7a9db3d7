#include "core/host_memory.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "catch.h"

namespace scnn {
namespace {

bool all_zero(const HostMemory& memory) {
  const std::span<const unsigned char> bytes(static_cast<const unsigned char*>(memory.data()), memory.bytes());
  return std::ranges::all_of(bytes, [](unsigned char b) { return b == 0; });
}

std::uintptr_t address(const HostMemory& memory) { return reinterpret_cast<std::uintptr_t>(memory.data()); }

}  // namespace

TEST_CASE("host memory is zero and aligned, on large pages where it fills one", "[memory]") {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, HostMemory::large_page - 1,
                                  HostMemory::large_page, 3 * HostMemory::large_page + 5}) {
    const HostMemory memory(bytes);
    INFO(bytes);
    CHECK(memory.bytes() == bytes);
    CHECK(memory.data() != nullptr);
    CHECK(address(memory) % (bytes < HostMemory::large_page ? 64 : HostMemory::large_page) == 0);
    CHECK(all_zero(memory));
  }
  // What was used before is zero again.
  for (int i = 0; i < 3; ++i) {
    HostMemory memory(HostMemory::large_page + 64);
    CHECK(all_zero(memory));
    std::fill_n(static_cast<unsigned char*>(memory.data()), memory.bytes(), static_cast<unsigned char>(7));
  }
}

TEST_CASE("host memory moves, and says where there is none", "[memory]") {
  HostMemory a(100);
  void* const data = a.data();
  HostMemory b(std::move(a));
  CHECK(b.data() == data);
  HostMemory c;
  CHECK(c.data() == nullptr);
  c = std::move(b);
  CHECK(c.data() == data);
  CHECK(c.bytes() == 100);
#if defined(__SANITIZE_ADDRESS__)
  SCNN_SKIP("AddressSanitizer ends the program where there is not enough memory");
#else
  CHECK_THROWS_AS(HostMemory(std::size_t{1} << 60), std::bad_alloc);
#endif
}

TEST_CASE("host memory grows to as many floats as are asked for", "[memory]") {
  HostMemory memory;
  float* const first = memory.floats(10);
  CHECK(memory.bytes() == 40);
  CHECK(all_zero(memory));
  first[9] = 3;
  CHECK(memory.floats(10) == first);
  CHECK(memory.floats(0) == first);
  CHECK(first[9] == 3);
  const float* const large = memory.floats(1000);
  CHECK(large == memory.data());
  CHECK(memory.bytes() == 4000);
  CHECK(all_zero(memory));
}

}  // namespace scnn
