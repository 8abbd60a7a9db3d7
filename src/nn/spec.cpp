#include "scnn/nn/spec.h"

namespace scnn {
namespace {

struct Name {
  const char* operator()(const InputSpec&) const { return "input"; }
  const char* operator()(const Conv2dSpec&) const { return "conv2d"; }
  const char* operator()(const LinearSpec&) const { return "linear"; }
  const char* operator()(const BatchNormSpec&) const { return "batch_norm"; }
  const char* operator()(const ReluSpec&) const { return "relu"; }
  const char* operator()(const PoolSpec& pool) const {
    const bool max = pool.kind == PoolKind::max;
    if (pool.global) return max ? "global_max_pool" : "global_avg_pool";
    return max ? "max_pool2d" : "avg_pool2d";
  }
  const char* operator()(const FlattenSpec&) const { return "flatten"; }
  const char* operator()(const DropoutSpec&) const { return "dropout"; }
  const char* operator()(const ScaleSpec&) const { return "scale"; }
  const char* operator()(const AddSpec&) const { return "add"; }
  const char* operator()(const ConcatSpec&) const { return "concat"; }
  const char* operator()(const AffineSpec&) const { return "affine"; }
};

}  // namespace

const char* type_name(const LayerOptions& options) { return std::visit(Name{}, options); }

}  // namespace scnn
