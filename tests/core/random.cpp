#include "scnn/core/random.h"

#include <set>
#include <vector>

#include "catch.h"

namespace scnn {

TEST_CASE("Philox gives the published draws", "[random]") {
  // kat_vectors of Random123 (Salmon et al.), philox4x32 10.
  struct Known {
    std::uint64_t key, low, high;
    std::uint32_t draws[4];
  };
  const Known known[] = {
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {~0ULL, ~0ULL, ~0ULL, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x299f31d0a4093822ULL,
       0x85a308d3243f6a88ULL,
       0x0370734413198a2eULL,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Known& k : known) {
    const Draws draws = philox(k.key, k.low, k.high);
    for (int i = 0; i < 4; ++i) CHECK(draws.v[i] == k.draws[i]);
  }
}

TEST_CASE("uniform draws lie in [0, 1)", "[random]") {
  CHECK(uniform(0) == 0.0F);
  CHECK(uniform(0xFFFFFFFFU) < 1.0F);
  const RandomStream stream(3, Stream::augment);
  double sum = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) sum += static_cast<double>(uniform(stream.draws(i).v[i % 4]));
  CHECK(sum / 20000 == Approx(0.5).margin(0.01));
}

TEST_CASE("bounded draws cover the range evenly", "[random]") {
  const RandomStream stream(5, Stream::shuffle);
  std::vector<int> counts(7);
  for (std::uint64_t i = 0; i < 70000; ++i) {
    const std::uint64_t d = stream.below(i, 7);
    REQUIRE(d < 7);
    ++counts[d];
  }
  for (const int count : counts) CHECK(count == Approx(10000).epsilon(0.05));
  CHECK(stream.below(1, 1) == 0);
}

TEST_CASE("streams differ by seed, purpose and lane, and repeat themselves", "[random]") {
  std::set<std::uint32_t> seen;
  for (const std::uint64_t seed : {0, 1}) {
    for (const Stream purpose : {Stream::shuffle, Stream::dropout}) {
      for (const std::uint32_t lane : {0U, 1U}) {
        const RandomStream stream(seed, purpose, lane);
        seen.insert(stream.draws(9).v[0]);
        CHECK(stream.draws(9).v[0] == RandomStream(seed, purpose, lane).draws(9).v[0]);
      }
    }
  }
  CHECK(seen.size() == 8);
}

}  // namespace scnn
