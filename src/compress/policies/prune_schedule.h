#pragma once

#include "scnn/compress/options.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// Share of each layer's original channels that is to be gone once `epochs` are done.
[[nodiscard]] double prune_share(const PruneOptions& options, double epochs);

/// Takes the bits of the channels with the smallest L1 norm (Li et al., arXiv 1608.08710), until `share` of the
/// original channels of every layer whose bits are fixed is dead or gone, but for layers that make the logits; one
/// channel always stays.  The network's function changes here; removal of what is dead then leaves it as it is.
void prune_channels(Graph& graph, double share);

}  // namespace scnn
