#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scnn/nn/graph.h"

namespace scnn {

/// Channels that left one layer at one moment.
struct Removed {
  std::string layer;
  std::int32_t channels = 0;
};

struct RemovalResult {
  std::vector<Removed> layers;  ///< empty where nothing was removed
  double max_diff = 0;          ///< largest change of a logit on the probe, relative to the largest logit
  double seconds = 0;           ///< that looking and removing took, where the caller measured it
};

/// Fits batch-norms and biases to what the channel states say: a channel that has become constant is frozen, and its
/// shift or bias is pulled to exactly 0 within `steps` steps; one that varies again is released.  Returns whether a
/// pull began where there was none: then an update does more than before.
bool freeze_constants(Graph& graph, std::int64_t steps);

/// The live channels that every set may keep: without those that are exactly 0 wherever they are read, or that nobody
/// reads.  Decided edge by edge from Graph::states, so after a sum both sides count.
[[nodiscard]] std::vector<ChannelSet> removable_left_out(Graph& graph);

/// Sets in which every layer but the last keeps about the same share of its channels, drawn from `seed`: as many as
/// leave at most `share` of the multiply-adds, and one in each layer at least.  For Graph::restrict_to, to measure.
[[nodiscard]] std::vector<ChannelSet> random_channel_subset(const Graph& graph, double share, std::uint64_t seed);

/// Removes what may go and checks on `probe` images [n, h, w, channels] that the function stayed the same in evaluation
/// mode.  Error(training) where no live path would be left, naming compression.gamma; Error(bug) where a logit changes
/// by more than the backend rounds (Backend::rounding).
RemovalResult remove_channels(Graph& graph, const Tensor& probe);

}  // namespace scnn
