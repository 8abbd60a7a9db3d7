#pragma once

#include "scnn/data/batches.h"
#include "scnn/nn/graph.h"
#include "scnn/train/observer.h"

namespace scnn {

/// A batch on the backend's device: the host tensors themselves where that is the host.
struct DeviceBatch {
  Tensor images, labels;
};
[[nodiscard]] DeviceBatch to_device(Backend& backend, const Batch& batch);

/// Loss and top-1 accuracy of a split in evaluation mode.
[[nodiscard]] Metrics evaluate(Graph& graph, const ImageSet& set, const Normalisation& normalisation,
                               std::int64_t batch_size = 256);

}  // namespace scnn
