#include "bench.h"
#include "scnn/backend/backend.h"

namespace scnn::bench {

/// Ops that memory bounds, through the backend, on a layer of Page's network: bytes are those of the arguments.
std::vector<Row> passes(const Options& options) {
  const auto backend = backend_for({DeviceType::cuda, 0});
  const std::int64_t channels = 128 / options.shrink;
  const Shape image{options.batch, 32, 32, channels};
  const Shape pooled{options.batch, 16, 16, channels};
  Tensor x = backend->allocate(image), y = backend->allocate(image), dy = backend->allocate(image);
  Tensor small = backend->allocate(pooled), argmax = backend->allocate(pooled, DType::uint8);
  backend->fill(x, 0.75F);
  backend->fill(dy, 0.25F);
  const Shape vector{channels};
  Tensor scale = backend->allocate(vector), shift = backend->allocate(vector), mean = backend->allocate(vector);
  Tensor inv_std = backend->allocate(vector), running_mean = backend->allocate(vector);
  Tensor running_var = backend->allocate(vector), dscale = backend->allocate(vector),
         dshift = backend->allocate(vector);
  backend->fill(scale, 1);

  std::vector<Row> rows;
  const auto elements = static_cast<double>(image.size());
  const auto add = [&](const char* what, double bytes, const std::function<void()>& call) {
    rows.push_back({"passes", what, "own", seconds_of(options, call, [&] { backend->synchronize(); }), 0, bytes});
  };
  add("relu", 8 * elements, [&] { backend->relu_forward(x, y); });
  add("relu backward", 12 * elements, [&] { backend->relu_backward(x, dy, y); });
  const BatchNorm norm{&scale, &shift, &mean, &inv_std, Activation::relu};
  add("batch norm and relu, statistics known", 8 * elements, [&] { backend->batch_norm_forward(x, norm, y); });
  add("batch norm and relu", 12 * elements, [&] {
    backend->batch_norm_statistics(x, {1e-5F, 0.1F, nullptr, &running_mean, &running_var, &mean, &inv_std});
    backend->batch_norm_forward(x, norm, y);
  });
  add("batch norm and relu backward", 28 * elements,
      [&] { backend->batch_norm_backward(x, y, dy, norm, x, dscale, dshift); });
  const Pool2d pool{options.batch, 32, 32, 16, 16, channels, {2, 2, 2, 2, 0, 0, 1, 1}};
  const double outputs = elements / 4;
  add("max pool 2x2", 4 * elements + 5 * outputs, [&] { backend->max_pool2d_forward(pool, y, small, argmax); });
  add("max pool 2x2 backward", 4 * elements + 5 * outputs,
      [&] { backend->max_pool2d_backward(pool, small, argmax, x); });
  add("batch norm, relu and max pool 2x2", 4 * elements + 5 * outputs,
      [&] { backend->batch_norm_max_pool_forward(pool, dy, norm, small, argmax); });
  add("batch norm, relu and max pool 2x2 backward", 12 * elements + 18 * outputs,
      [&] { backend->batch_norm_max_pool_backward(pool, dy, small, argmax, small, norm, x, dscale, dshift); });

  // All weights of Page's network as one parameter.
  const Shape weights{512, std::max<std::int64_t>(1, 12800 * options.batch / 512)};
  Tensor w = backend->allocate(weights), g = backend->allocate(weights), m = backend->allocate(weights);
  Tensor v = backend->allocate(weights), q = backend->allocate(weights);
  Tensor bits = backend->allocate({512}), exponents = backend->allocate({512});
  Tensor dbits = backend->allocate({512}), dexponents = backend->allocate({512});
  backend->fill(g, 0.01F);
  backend->fill(bits, 4);
  backend->fill(exponents, -5);
  const auto count = static_cast<double>(weights.size());
  add("adam", 28 * count, [&] { backend->adam({}, {}, g, m, v, w); });
  const WeightView view{&w, &bits, &exponents};
  add("quantize", 8 * count, [&] { backend->quantize(view, q); });
  add("quantize backward", 12 * count, [&] { backend->quantize_backward(view, false, g, dbits, dexponents); });
  return rows;
}

}  // namespace scnn::bench
