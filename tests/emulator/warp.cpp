#include "emulator/warp.h"

#include "emulator/block.h"

namespace emulator {
namespace {

struct Shuffle {
  std::uint64_t given, taken;
  int source;
};

void shuffle_all(const WarpArguments& arguments, std::uint32_t mask) {
  for (std::size_t i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) == 0) continue;
    auto* mine = static_cast<Shuffle*>(arguments[i]);
    if ((mask >> mine->source & 1U) == 0) die("a shuffle from a lane outside the mask");
    mine->taken = static_cast<Shuffle*>(arguments[static_cast<std::size_t>(mine->source)])->given;
  }
}

struct Ballot {
  bool wanted;
  std::uint32_t votes;
};

void ballot_all(const WarpArguments& arguments, std::uint32_t mask) {
  std::uint32_t votes = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0 && static_cast<Ballot*>(arguments[i])->wanted) votes |= 1U << i;
  }
  for (std::size_t i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0) static_cast<Ballot*>(arguments[i])->votes = votes;
  }
}

}  // namespace

std::uint64_t shuffle_bits(const char* name, std::uint32_t mask, std::uint64_t bits, int source, Place place) {
  Shuffle shuffle{bits, bits, source};
  warp_operation(name, mask, &shuffle, shuffle_all, place);
  return shuffle.taken;
}

std::uint32_t ballot(std::uint32_t mask, bool wanted, Place place) {
  Ballot ballot{wanted, 0};
  warp_operation("__ballot_sync", mask, &ballot, ballot_all, place);
  return ballot.votes;
}

}  // namespace emulator
