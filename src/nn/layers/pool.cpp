#include "nn/layers/pool.h"

#include "nn/layers/batch_norm.h"
#include "nn/layers/common.h"

namespace scnn {

Edge PoolLayer::infer(std::span<const Edge> in, int /*node*/, SetTable& /*sets*/, Backend& /*backend*/) {
  const Edge& input = only_input(in);
  require_image(input);
  if (spec_.global) {
    spec_.kernel = spec_.stride = {input.h, input.w};
    spec_.padding = Padding::valid;
  }
  const WindowFit fit = fit_window(input, spec_.kernel, spec_.stride, {1, 1}, spec_.padding, spec_.pad);
  const Window& window = fit.window;
  if (2 * window.pad_h > window.kernel_h || 2 * window.pad_w > window.kernel_w) {
    shape_error("padding of a pool must be at most half its kernel");
  }
  if (spec_.kind == PoolKind::max && window.kernel_h * window.kernel_w > 255) {
    shape_error("a max pool's window holds at most 255 places, not " +
                std::to_string(window.kernel_h * window.kernel_w) + ": use two pools");
  }
  shape_ = {1, input.h, input.w, fit.out_h, fit.out_w, 0, window};
  return {fit.out_h, fit.out_w, input.flat, input.set};
}

void PoolLayer::plan(std::span<const Edge> /*in*/, const Edge& out, const SetTable& sets, std::int64_t batch,
                     Backend& backend) {
  shape_.batch = batch;
  shape_.channels = sets[out.set].size();
  if (spec_.kind == PoolKind::max) {
    argmax_ = backend.allocate(Shape{batch, shape_.out_h, shape_.out_w, shape_.channels}, DType::uint8);
  }
}

Pool2d PoolLayer::geometry(std::int64_t batch) const {
  Pool2d shape = shape_;
  shape.batch = batch;
  return shape;
}

void PoolLayer::fuse_with(Layer& before) {
  if (spec_.kind != PoolKind::max) return;
  norm_ = before.normalization();
  if (norm_ != nullptr) norm_->leave_to_pool();
}

void PoolLayer::forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) {
  const Pool2d shape = geometry(in[0]->shape()[0]);
  if (spec_.kind == PoolKind::average) return backend.avg_pool2d_forward(shape, *in[0], out);
  Tensor argmax = at_batch(argmax_, shape.batch);
  if (norm_ != nullptr) return norm_->pool_forward(backend, pass, shape, *in[0], out, argmax);
  backend.max_pool2d_forward(shape, *in[0], out, argmax);
}

void PoolLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, const Tensor& out,
                         const Tensor& dout, std::span<Tensor* const> din) {
  const Pool2d shape = geometry(in[0]->shape()[0]);
  if (norm_ != nullptr) {
    return norm_->pool_backward(backend, shape, *in[0], out, at_batch(argmax_, shape.batch), dout, din[0]);
  }
  if (din[0] == nullptr) return;
  if (spec_.kind == PoolKind::average) return backend.avg_pool2d_backward(shape, dout, *din[0]);
  backend.max_pool2d_backward(shape, dout, at_batch(argmax_, shape.batch), *din[0]);
}

}  // namespace scnn
