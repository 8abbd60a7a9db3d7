#include "backend/cpu/convolution.h"

#include <omp.h>

#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <unordered_map>
#include <vector>

#include "scnn/core/error.h"

namespace scnn::cpu {
namespace {

using dnnl::memory;

[[noreturn]] void fail(const char* op, const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
  throw Error(ErrorKind::bug, std::string(op) + ": oneDNN: " + error.what());
}

constexpr std::size_t most_geometries = 96;  // evaluation and training batches of every layer, and some to spare

/// Descriptors of one geometry.  Weights that a primitive reads have the layout it likes best (`any`): with OHWI itself
/// oneDNN falls back to a reference kernel hundreds of times slower.
struct Geometry {
  memory::desc x, w_any, w_user, bias, y;
  memory::dims strides, dilation, pad_before, pad_after;

  explicit Geometry(const Conv2d& s) {
    const Window& w = s.window;
    const auto f32 = memory::data_type::f32;
    x = {{s.batch, s.in_c, s.in_h, s.in_w}, f32, memory::format_tag::nhwc};
    y = {{s.batch, s.out_c, s.out_h, s.out_w}, f32, memory::format_tag::nhwc};
    bias = {{s.out_c}, f32, memory::format_tag::x};
    const std::int64_t i = s.in_c / s.groups;
    const std::int64_t area = w.kernel_h * w.kernel_w;
    memory::dims dims{s.out_c, i, w.kernel_h, w.kernel_w};
    memory::dims ohwi{area * i, 1, w.kernel_w * i, i};
    if (s.groups > 1) {
      const std::int64_t o = s.out_c / s.groups;
      dims = {s.groups, o, i, w.kernel_h, w.kernel_w};
      ohwi.insert(ohwi.begin(), o * area * i);
    }
    w_user = {dims, f32, ohwi};
    w_any = {dims, f32, memory::format_tag::any};
    strides = {w.stride_h, w.stride_w};
    dilation = {w.dilation_h - 1, w.dilation_w - 1};
    pad_before = {w.pad_h, w.pad_w};
    pad_after = {(s.out_h - 1) * w.stride_h + w.dilation_h * (w.kernel_h - 1) + 1 - s.in_h - w.pad_h,
                 (s.out_w - 1) * w.stride_w + w.dilation_w * (w.kernel_w - 1) + 1 - s.in_w - w.pad_w};
  }
};

// oneDNN 3 dropped the operation descriptors of 2.x; these functions are all that differs.
constexpr auto direct = dnnl::algorithm::convolution_direct;
constexpr auto training = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
auto describe_forward(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_forward::primitive_desc(e, training, direct, g.x, g.w_any, g.bias, g.y, g.strides,
                                                   g.dilation, g.pad_before, g.pad_after);
}
auto describe_backward_data(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_backward_data::primitive_desc(e, direct, g.x, g.w_any, g.y, g.strides, g.dilation,
                                                         g.pad_before, g.pad_after, describe_forward(g, e));
}
auto describe_backward_weights(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_backward_weights::primitive_desc(e, direct, g.x, g.w_any, g.y, g.strides, g.dilation,
                                                            g.pad_before, g.pad_after, describe_forward(g, e));
}
#else
auto describe_forward(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_forward::primitive_desc(
      {training, direct, g.x, g.w_any, g.bias, g.y, g.strides, g.dilation, g.pad_before, g.pad_after}, e);
}
auto describe_backward_data(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_backward_data::primitive_desc(
      {direct, g.x, g.w_any, g.y, g.strides, g.dilation, g.pad_before, g.pad_after}, e, describe_forward(g, e));
}
auto describe_backward_weights(const Geometry& g, const dnnl::engine& e) {
  return dnnl::convolution_backward_weights::primitive_desc(
      {direct, g.x, g.w_any, g.y, g.strides, g.dilation, g.pad_before, g.pad_after}, e, describe_forward(g, e));
}
#endif

/// oneDNN memory never writes through a handle that a primitive only reads.
void* handle(const float* pointer) { return const_cast<float*>(pointer); }

/// One direction of one geometry.
struct Pass {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory user_weights, weights;
  std::optional<dnnl::reorder> reorder;  ///< between the two, or none where the layouts agree
};

struct Entry {
  Conv2d shape;
  std::uint64_t used = 0;
  std::optional<Pass> forward, backward_data, backward_weights;
  std::vector<float> no_bias;
};

}  // namespace

std::string product_library() {
  const dnnl_version_t* v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

struct Convolutions::Impl {
  Workers workers;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<std::unique_ptr<Entry>> entries;
  std::uint64_t clock = 0;

  explicit Impl(const Workers& w) : workers(w) {}

  Entry& entry(const Conv2d& shape) {
    // The number of threads is a setting of the calling thread, and a primitive is made for one number.
    omp_set_num_threads(workers.count());
    ++clock;
    for (auto& e : entries) {
      if (e->shape == shape) {
        e->used = clock;
        return *e;
      }
    }
    if (entries.size() >= most_geometries) {
      const auto older = [](const auto& a, const auto& b) { return a->used < b->used; };
      entries.erase(std::min_element(entries.begin(), entries.end(), older));
    }
    entries.push_back(std::make_unique<Entry>());
    entries.back()->shape = shape;
    entries.back()->used = clock;
    entries.back()->no_bias.resize(static_cast<std::size_t>(shape.out_c));
    return *entries.back();
  }

  /// A pass over memories without data; `x`, `y` and the weights' places are oneDNN argument ids.
  Pass make_pass(const dnnl::primitive& primitive, const Geometry& g, const memory::desc& layout, bool writes_weights,
                 int x, int w, int y) {
    Pass pass;
    pass.primitive = primitive;
    pass.user_weights = memory(g.w_user, engine, nullptr);
    if (layout == g.w_user) {
      pass.weights = pass.user_weights;
    } else {
      pass.weights = memory(layout, engine);
      pass.reorder = writes_weights ? dnnl::reorder(pass.weights, pass.user_weights)
                                    : dnnl::reorder(pass.user_weights, pass.weights);
    }
    pass.arguments = {{x, memory(g.x, engine, nullptr)}, {w, pass.weights}, {y, memory(g.y, engine, nullptr)}};
    return pass;
  }
};

Convolutions::Convolutions(const Workers& workers) : impl_(std::make_unique<Impl>(workers)) {}
Convolutions::~Convolutions() = default;

void Convolutions::forward(const Conv2d& shape, const float* x, const float* w, const float* bias, float* y) try {
  Entry& entry = impl_->entry(shape);
  if (!entry.forward) {
    const Geometry g(shape);
    const auto description = describe_forward(g, impl_->engine);
    entry.forward = impl_->make_pass(dnnl::convolution_forward(description), g, description.weights_desc(), false,
                                     DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST);
    entry.forward->arguments[DNNL_ARG_BIAS] = memory(g.bias, impl_->engine, nullptr);
  }
  Pass& pass = *entry.forward;
  pass.user_weights.set_data_handle(handle(w));
  pass.arguments[DNNL_ARG_SRC].set_data_handle(handle(x));
  pass.arguments[DNNL_ARG_BIAS].set_data_handle(handle(bias != nullptr ? bias : entry.no_bias.data()));
  pass.arguments[DNNL_ARG_DST].set_data_handle(y);
  if (pass.reorder) pass.reorder->execute(impl_->stream, pass.user_weights, pass.weights);
  pass.primitive.execute(impl_->stream, pass.arguments);
  impl_->stream.wait();
} catch (const dnnl::error& e) {
  fail("conv2d_forward", e);
}

void Convolutions::backward_data(const Conv2d& shape, const float* dy, const float* w, float* dx) try {
  Entry& entry = impl_->entry(shape);
  if (!entry.backward_data) {
    const Geometry g(shape);
    const auto description = describe_backward_data(g, impl_->engine);
    entry.backward_data = impl_->make_pass(dnnl::convolution_backward_data(description), g, description.weights_desc(),
                                           false, DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST);
  }
  Pass& pass = *entry.backward_data;
  pass.user_weights.set_data_handle(handle(w));
  pass.arguments[DNNL_ARG_DIFF_DST].set_data_handle(handle(dy));
  pass.arguments[DNNL_ARG_DIFF_SRC].set_data_handle(dx);
  if (pass.reorder) pass.reorder->execute(impl_->stream, pass.user_weights, pass.weights);
  pass.primitive.execute(impl_->stream, pass.arguments);
  impl_->stream.wait();
} catch (const dnnl::error& e) {
  fail("conv2d_backward_data", e);
}

void Convolutions::backward_weights(const Conv2d& shape, const float* x, const float* dy, float* dw) try {
  Entry& entry = impl_->entry(shape);
  if (!entry.backward_weights) {
    const Geometry g(shape);
    const auto description = describe_backward_weights(g, impl_->engine);
    entry.backward_weights =
        impl_->make_pass(dnnl::convolution_backward_weights(description), g, description.diff_weights_desc(), true,
                         DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST);
  }
  Pass& pass = *entry.backward_weights;
  pass.user_weights.set_data_handle(dw);
  pass.arguments[DNNL_ARG_SRC].set_data_handle(handle(x));
  pass.arguments[DNNL_ARG_DIFF_DST].set_data_handle(handle(dy));
  pass.primitive.execute(impl_->stream, pass.arguments);
  if (pass.reorder) pass.reorder->execute(impl_->stream, pass.weights, pass.user_weights);
  impl_->stream.wait();
} catch (const dnnl::error& e) {
  fail("conv2d_backward_weights", e);
}

}  // namespace scnn::cpu
