#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packed/byte_stream.h"

/// Blocks of real numbers: docs/file-format.md, "Reals".
namespace scnn::deploy {

/// In the shortest form that holds every number exactly.
void write_reals(Writer& out, std::span<const float> values);
[[nodiscard]] std::vector<float> read_reals(Reader& in, std::uint64_t count);
/// Each rounded to the nearest number that a block of halves holds; not finite numbers make an Error(training).
[[nodiscard]] std::vector<float> snapped(std::vector<float> values);

}  // namespace scnn::deploy
