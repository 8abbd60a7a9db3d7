#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scnn/nn/graph.h"
#include "scnn/packed/packed.h"

namespace scnn::test {

/// A small network with made-up weights and channel sets that a Graph accepts: convolutions (grouped and depthwise
/// too), sums over unequal sets, concatenations, pools, quantized and float layers, zero-bit channels and unread
/// columns.
[[nodiscard]] PackedModel random_model(std::uint64_t seed);

/// Inputs of the network, [batch, h, w, c], of -1 to 1.
[[nodiscard]] Tensor random_images(const Graph& graph, std::int64_t batch);

[[nodiscard]] bool same_bits(const std::vector<float>& a, const std::vector<float>& b);

/// Empty where both models have the same content but for learned bits; else the first difference.
[[nodiscard]] std::string difference(const PackedModel& a, const PackedModel& b);

}  // namespace scnn::test
