#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "scnn/packed/packed.h"

/// What the writer and the reader of the packed file share: docs/file-format.md in code.
namespace scnn::deploy {

constexpr std::array<char, 4> magic = {'S', 'C', 'N', 'N'};
constexpr unsigned version = 2;
constexpr std::size_t checksum_bytes = 4;

/// The low four bits of a node's first byte.
enum class NodeType : unsigned { input, conv2d, linear, affine, relu, pool, flatten, scale, add, concat };
constexpr unsigned node_types = 10;
constexpr unsigned type_mask = 0x0F, has_inputs = 0x10, has_name = 0x20;

// Flags of a layer with weights.
constexpr unsigned flag_bias = 1, flag_integers = 2, flag_columns = 4;
// Further flags of a convolution; the padding takes two bits.
constexpr unsigned padding_shift = 3, flag_stride = 0x20, flag_depthwise = 0x40, flag_dilation = 0x80,
                   flag_groups = 0x100, conv2d_flags = 0x1FF, linear_flags = 7;
// Flags of a pool.
constexpr unsigned flag_average = 1, flag_global = 2, pool_padding_shift = 2, pool_flags = 0x0F;

/// Of the byte in front of the integers, beside IntegerForm: scales and zero points of activations stand between.
constexpr unsigned form_activations = 2;
/// A step of an activation.
constexpr float least_step = 1e-30F, largest_step = 1e30F;

// Limits that every file keeps, so that a damaged one cannot ask for the machine's memory.
constexpr std::uint64_t max_nodes = 65'535, max_name = 4'096, max_extent = 65'535, max_channels = 65'535;
/// Weights of the network before compression, which a Graph is first made for.
constexpr std::uint64_t max_original_weights = 1ULL << 28U;
/// Weights and channels of a file of `size` bytes.  Zero-bit channels and dropped columns take next to no bytes.
constexpr std::uint64_t max_elements(std::uint64_t size) { return 4'000'000 + 1'000 * size; }

/// Before the number in a name that is stored as a number: "conv2d" of "conv2d_3".
[[nodiscard]] const char* name_stem(NodeType type, const LayerOptions& options);
/// Whether the node's output has channels of its own.
[[nodiscard]] bool makes_set(const LayerOptions& options);
/// Input channels in a weight tensor of a node that reads `in`.
[[nodiscard]] std::int64_t weight_inputs(const LayerOptions& options, const ChannelSet& in);
/// Whether columns may be dropped: each belongs to one input channel.
[[nodiscard]] bool has_columns(const LayerOptions& options);

/// Calls `fail` with a message where the parts of a model do not fit each other.
void check_model(const PackedModel& model, const std::function<void(const std::string&)>& fail);

}  // namespace scnn::deploy
