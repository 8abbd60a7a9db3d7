#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "scnn/packed/packed.h"

namespace scnn {

/// The model as a NumPy archive (a stored zip of NPY 1.0 arrays), the same bytes for the same model.  For each layer:
/// `<layer>.weight` (effective float32, OHWI; a linear layer keeps the rows and columns of the image it flattens),
/// `<layer>.integers` (int16, int32 where they do not fit), `<layer>.scales`, `<layer>.bits`, `<layer>.bias`,
/// `<layer>.a`, `<layer>.c` as far as it has them, and `channels.<layer>` (int32, the original indices of its output);
/// `input.mean` and `input.std` of the images; `network` (JSON text as uint8: the layers, their options and inputs).
[[nodiscard]] std::vector<std::byte> encode_npz(const PackedModel& model);
/// Writes encode_npz(model).  Error(run_folder) naming the path and the system's reason.
void write_npz(const PackedModel& model, const std::filesystem::path& path);
/// `like` with the numbers of the archive in place of its own: what `--verify` computes with.  Error(check) naming the
/// first array that is missing, has another shape, or contradicts another one or the network.
[[nodiscard]] PackedModel read_npz(const std::filesystem::path& path, const PackedModel& like);

}  // namespace scnn
