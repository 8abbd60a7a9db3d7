#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace scnn {

/// Rows, columns.
struct Extent2 {
  std::int64_t h = 1, w = 1;
  friend bool operator==(const Extent2&, const Extent2&) = default;
};

enum class Padding { explicit_, same, valid };

// Options of each layer type: plain data, as an experiment or a packed model states them.

struct InputSpec {
  std::int64_t channels = 1, h = 1, w = 1;
};
struct Conv2dSpec {
  std::int64_t out = 1;  ///< output channels before any removal
  Extent2 kernel, stride, dilation;
  Padding padding = Padding::explicit_;
  Extent2 pad{0, 0};  ///< with Padding::explicit_: on both sides
  std::int64_t groups = 1;
  bool depthwise = false;  ///< groups = input channels, whatever their number; `out` is then a multiple of it
  bool bias = true;
};
struct LinearSpec {
  std::int64_t out = 1;
  bool bias = true;
};
struct BatchNormSpec {
  float eps = 1e-5F;
  float momentum = 0.1F;  ///< share of the new batch in the running statistics
};
struct ReluSpec {};
enum class PoolKind { max, average };
struct PoolSpec {
  PoolKind kind = PoolKind::max;
  bool global = false;  ///< the window is the whole image; the rest is ignored
  Extent2 kernel{2, 2}, stride{2, 2};
  Padding padding = Padding::explicit_;
  Extent2 pad{0, 0};
};
struct FlattenSpec {};
struct DropoutSpec {
  float rate = 0.5F;
};
struct ScaleSpec {
  float factor = 1;
};
struct AddSpec {};
struct ConcatSpec {};
/// y = a x + c per channel: what a batch-norm becomes in a packed model.  Not offered in experiments.
struct AffineSpec {};

using LayerOptions = std::variant<InputSpec, Conv2dSpec, LinearSpec, BatchNormSpec, ReluSpec, PoolSpec, FlattenSpec,
                                  DropoutSpec, ScaleSpec, AddSpec, ConcatSpec, AffineSpec>;

/// One node of a network.  Blocks and residuals are expanded into nodes before they get here.
struct LayerSpec {
  std::string name;  ///< unique
  LayerOptions options;
  std::vector<int> inputs;  ///< indices of earlier nodes
  std::string where;        ///< for error messages: "experiments/x.yaml:12:5", may be empty
};

/// A whole network in topological order; node 0 is the input, the last node gives the logits.
using NetworkSpec = std::vector<LayerSpec>;

/// "conv2d", "batch_norm", ... as in experiment files.
[[nodiscard]] const char* type_name(const LayerOptions& options);

}  // namespace scnn
