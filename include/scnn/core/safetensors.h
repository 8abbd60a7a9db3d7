#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "scnn/core/tensor.h"

namespace scnn {

/// A safetensors file (https://github.com/huggingface/safetensors): u64 little-endian header length, JSON header, data.
/// float32 (F32), int32 (I32) and uint8 (U8).  Tensors are host tensors.
struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};

/// The bytes of the file; the same content always gives the same bytes.
[[nodiscard]] std::vector<std::byte> encode_safetensors(const Safetensors& file);
/// Error(checkpoint) naming `where` and what is wrong: header limits, unknown types, offsets that overlap, leave gaps
/// or lie outside the data, sizes that do not fit shapes.  Never allocates more than a small multiple of the input.
[[nodiscard]] Safetensors decode_safetensors(std::span<const std::byte> bytes, const std::string& where);
/// The same for a file of another program: float64, float16 and bfloat16 become float32, integers of other widths and
/// booleans are left out.
[[nodiscard]] Safetensors decode_foreign_safetensors(std::span<const std::byte> bytes, const std::string& where);

}  // namespace scnn
