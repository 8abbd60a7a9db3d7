#include "scnn/core/tensor.h"

#include <array>
#include <cstdint>

#include "catch.h"
#include "scnn/core/error.h"

namespace scnn {

TEST_CASE("tensors share memory, know their type and refuse to grow", "[tensor]") {
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  Tensor a = Tensor::of({2, 3}, values);
  const Tensor b = a;
  a.data<float>()[0] = 9;
  CHECK(b.values<float>()[0] == 9);
  CHECK(a.bytes() == 24);
  CHECK(reinterpret_cast<std::uintptr_t>(a.raw()) % 64 == 0);
  CHECK(a.reshaped({6}).values<float>()[5] == 6);
  CHECK_THROWS_AS(a.reshaped({7}), Error);
  CHECK_THROWS_AS(a.data<std::int32_t>(), Error);
  CHECK_THROWS_AS(Tensor{}.data<float>(), Error);
  CHECK_THROWS_AS(Tensor::of({5}, values), Error);
  CHECK(Tensor::host({3}, DType::uint8).bytes() == 3);
  const Tensor fresh = Tensor::host({4, 4});
  for (const float v : fresh.values<float>()) CHECK(v == 0);
  CHECK(Tensor::host({0, 4}).size() == 0);
}

}  // namespace scnn
