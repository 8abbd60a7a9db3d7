#pragma once

#include <string>

#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"
#include "scnn/nn/layer.h"

namespace scnn {

/// "16 channels of 28x28"
inline std::string describe(const Edge& edge, const SetTable& sets) {
  return std::to_string(sets[edge.set].original()) + " channels of " + std::to_string(edge.h) + "x" +
         std::to_string(edge.w) + (edge.flat && edge.h * edge.w > 1 ? ", flattened" : "");
}

/// What a packed model may hold, and what fits a 16-bit count there.
constexpr std::int64_t most_weights = std::int64_t{1} << 28;
constexpr std::int64_t most_channels = 65'535;

[[noreturn]] inline void shape_error(const std::string& message) { throw Error(ErrorKind::experiment, message); }

/// The only input; Error(experiment) unless there is exactly one.
inline const Edge& only_input(std::span<const Edge> in) {
  if (in.size() != 1) shape_error("takes one input, not " + std::to_string(in.size()));
  return in.front();
}

/// Error(experiment) where an image layer reads a flattened edge.
inline void require_image(const Edge& edge) {
  if (edge.flat && edge.h * edge.w > 1)
    shape_error("reads an image, but its input is flattened: put it before flatten");
}

/// Makes a layer's parameter of `shape`, filled with `value`.
inline void make_parameter(Parameter& parameter, const std::string& layer, ParameterRole role, const Shape& shape,
                           float value, Backend& backend) {
  parameter.identify(layer, role);
  parameter.value = backend.allocate(shape);
  backend.fill(parameter.value, value);
  if (parameter.trainable) parameter.gradient = backend.allocate(shape);
}

/// `tensor`, planned for the largest batch, as seen by a batch of `batch`.
inline Tensor at_batch(const Tensor& tensor, std::int64_t batch) {
  Shape shape = tensor.shape();
  shape.set(0, batch);
  return tensor.reshaped(shape);
}

/// Extents of a window's output; Error(experiment) where the window does not fit.
struct WindowFit {
  Window window;
  std::int64_t out_h = 0, out_w = 0;
};
WindowFit fit_window(const Edge& in, Extent2 kernel, Extent2 stride, Extent2 dilation, Padding padding, Extent2 pad);

}  // namespace scnn
