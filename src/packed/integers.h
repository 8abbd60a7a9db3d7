#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "packed/byte_stream.h"
#include "scnn/packed/options.h"

/// The integers of all layers at the end of the body: docs/file-format.md, "Integers as bits" and "Coded integers".
namespace scnn::deploy {

/// The stored integers of one layer: a row for each output channel, all equally long.
using Rows = std::vector<std::vector<std::int32_t>>;

/// `behind(layer)` is called with the number of the list's entry whose integers have just been written, with -1 behind
/// what comes before all layers, and with the bytes written by then.
using Behind = std::function<void(int layer, std::size_t bytes)>;
void write_integers(Writer& out, const std::vector<Rows>& layers, IntegerForm form, const Behind& behind);

struct RowsShape {
  std::uint64_t channels = 0, stored = 0;  ///< rows, and integers in each
};
/// To the end of the part in front of the checksum, which has `size` bytes.  `take(layer, channel, row)` receives each
/// row.
using Take = std::function<void(std::size_t layer, std::size_t channel, std::vector<std::int32_t> row)>;
void read_integers(Reader& in, std::uint64_t size, IntegerForm form, const std::vector<RowsShape>& layers,
                   const Take& take);

}  // namespace scnn::deploy
