#pragma once

#include "scnn/data/batches.h"
#include "scnn/nn/graph.h"
#include "scnn/train/observer.h"

namespace scnn {

/// Places where two int32 tensors of one shape, each on any device, are equal.  Waits.
[[nodiscard]] std::int64_t count_equal(Backend& backend, const Tensor& a, const Tensor& b);

/// Loss and top-1 accuracy of a split in evaluation mode.
[[nodiscard]] Metrics evaluate(Graph& graph, const ImageSet& set, const Normalization& normalization,
                               std::int64_t batch_size = 256);

}  // namespace scnn
