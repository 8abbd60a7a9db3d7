#pragma once

#include "training.h"

namespace scnn::test {

/// A run on a device of its choice, with what it told.
struct Training : Recorder, Run {
  Training(Device device, const TrainerOptions& options, const NetworkBuilder& net = network(),
           const BackendOptions& how = {.threads = 1})
      : Run(backend_for(device, how), options, *this, net) {}

  [[nodiscard]] std::vector<float> logits() {
    const Tensor images = random_tensor(Shape{16, 8, 8, 1}, 3);
    Tensor there = backend->allocate(images.shape());
    backend->copy(images, there);
    return host_values(*backend, graph.forward(there, Pass{}));
  }
};

}  // namespace scnn::test
