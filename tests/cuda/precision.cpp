#include "catch.h"
#include "cuda/conv/bf16/conv_plan.h"
#include "cuda/conv/bf16/tensor_core.h"
#include "device_arrays.h"
#include "op_cases.h"

namespace scnn::test {
namespace {

/// A case whose convolution operands are bf16 already, so that rounding on the way in changes nothing.
Arrays bf16_arguments(const OpCase& c) {
  Arrays a = c.prepare();
  for (const char* name : {"x", "dy", "w"}) {
    // Quantized weights are rounded by their own format.
    if (a.contains(name) && !(std::string(name) == "w" && a.contains("bits"))) a[name] = rounded_to_bf16(a[name]);
  }
  return a;
}

}  // namespace

TEST_CASE("convolutions in bf16 give the double reference's values wherever weights are quantized",
          "[cuda][tensor core]") {
  double worst_float = 0;
  double worst_bf16 = 0;
  for (const auto way : {WeightQuantization::automatic, WeightQuantization::on_load, WeightQuantization::integers,
                         WeightQuantization::values}) {
    BackendOptions options;
    options.precision = Precision::bf16;
    options.weight_quantization = way;
    const auto backend = backend_for({DeviceType::cuda, 0}, options);
    for (const OpCase& c : op_cases()) {
      const bool product = c.op.starts_with("conv2d") || c.op.starts_with("linear");
      if (c.timed_only || !product) continue;
      const Arrays arguments = bf16_arguments(c);
      const bool quantized = arguments.contains("bits");
      if (!quantized && way != WeightQuantization::automatic && way != WeightQuantization::integers) continue;
      INFO(c.op << ", " << c.name << ", way " << static_cast<int>(way));
      const Arrays expected = c.expect(arguments);
      Tensors tensors = upload(*backend, arguments);
      c.run(*backend, tensors);
      backend->synchronize();
      if (c.composed) {
        Tensors composed = upload(*backend, arguments);
        c.composed(*backend, composed);
        for (const auto& [name, want] : expected) {
          INFO(name << ", composed");
          CHECK(relative_error(download(*backend, tensors.at(name)).values,
                               download(*backend, composed.at(name)).values) <= 1e-6);
        }
      }
      // 2^e q rounded to bf16, or 2^e dy.
      const bool rounds = quantized && (way == WeightQuantization::values || c.op.ends_with("backward_data"));
      for (const auto& [name, want] : expected) {
        const std::vector<double> got = download(*backend, tensors.at(name)).values;
        const double error = rounds ? norm_error(got, want.values) : relative_error(got, want.values);
        // A channel's statistics may be as far off as each of its weights.
        const double allowed = rounds ? (want.shape.rank() == 1 ? 0x1p-8 : 2e-3) : 1e-5;
        CHECK(error <= allowed);
        double& worst = rounds ? worst_bf16 : worst_float;
        worst = std::fmax(worst, error);
      }
    }
  }
  CHECK(worst_bf16 > 1e-5);
}

TEST_CASE("tiles for the layers of Page's network at batch 512", "[tensor core]") {
  const auto layer = [](std::int64_t in, std::int64_t out, std::int64_t size) {
    return Conv2d{512, size, size, in, size, size, out, {3, 3, 1, 1, 1, 1, 1, 1}, 1};
  };
  const auto wgrad = [&](std::int64_t in, std::int64_t out, std::int64_t size) {
    return cuda::wgrad_plan(cuda::forward_gather(layer(in, out, size)), static_cast<int>(out), static_cast<int>(in));
  };
  CHECK(wgrad(3, 64, 32).narrow);
  const cuda::WgradPlan first = wgrad(64, 128, 32);
  CHECK_FALSE(first.narrow);
  CHECK(first.tile == cuda::WgradTile::m128_n192);
  CHECK(first.splits == 44);  // 3 tiles: 132 blocks
  CHECK(wgrad(128, 128, 16).splits == 22);
  CHECK(wgrad(128, 256, 16).splits == 11);
  CHECK(cuda::conv_tile(512 * 32 * 32, 128) == cuda::ConvTile::m256_n128);
  CHECK(cuda::conv_tile(512 * 4 * 4, 512) == cuda::ConvTile::m64_n64);
  CHECK(cuda::conv_tile(512 * 24 * 24, 32) == cuda::ConvTile::m128_n32);

  using enum WeightQuantization;
  CHECK(cuda::weight_quantization(layer(3, 64, 32), true, automatic) == on_load);
  CHECK(cuda::weight_quantization(layer(64, 128, 32), true, automatic) == integers);
  CHECK(cuda::weight_quantization(layer(512, 512, 4), true, on_load) == integers);  // does not fit
  CHECK(cuda::weight_quantization(layer(3, 64, 32), true, values) == values);

  Conv2d grouped = layer(8, 8, 16);
  CHECK(cuda::tensor_cores_take(grouped));
  grouped.groups = 8;
  CHECK_FALSE(cuda::tensor_cores_take(grouped));
}

}  // namespace scnn::test
