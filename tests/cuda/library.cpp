#include <map>

#include "catch.h"
#include "device_arrays.h"
#include "op_cases.h"
#include "scnn/core/error.h"

namespace scnn::test {
namespace {

bool is_product(const OpCase& c) { return c.op.starts_with("conv2d") || c.op.starts_with("linear"); }

/// Operands that bf16 holds already: what the library rounds is known.
Arrays arguments_of(const OpCase& c, Precision precision) {
  Arrays a = c.prepare();
  if (precision != Precision::bf16) return a;
  for (const char* name : {"x", "dy", "w"}) {
    if (a.contains(name) && !(std::string(name) == "w" && a.contains("bits"))) a[name] = rounded_to_bf16(a[name]);
  }
  return a;
}

/// Of the root mean square: results and quantized weights rounded to bf16, operands to 11 significant bits.
double allowed(Precision precision) {
  return precision == Precision::fp32 ? 1e-5 : precision == Precision::tf32 ? 0x1p-10 : 0x1p-8;
}

}  // namespace

TEST_CASE("convolutions and linear layers by NVIDIA's libraries give the double reference's values",
          "[cuda][library]") {
  const CudaLibraries libraries = cuda_libraries();
  if (libraries.found.empty()) SCNN_SKIP(libraries.unusable_because);
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    const auto backend =
        backend_for({DeviceType::cuda, 0}, {.precision = precision, .convolution = ConvolutionPath::cudnn});
    std::map<std::string, int> taken;
    for (const OpCase& c : op_cases()) {
      if (c.timed_only || !is_product(c)) continue;
      INFO(c.op << ", " << c.name << ", precision " << static_cast<int>(precision));
      const Arrays arguments = arguments_of(c, precision);
      const Arrays expected = c.expect(arguments);
      Arrays first;
      try {
        for (int repeat = 0; repeat < 2; ++repeat) {
          use_schedule(static_cast<unsigned>(repeat + 1));
          Tensors tensors = upload(*backend, arguments);
          c.run(*backend, tensors);
          backend->synchronize();
          for (const auto& [name, want] : expected) {
            INFO(name << ", repeat " << repeat);
            const Array got = download(*backend, tensors.at(name));
            REQUIRE(got.shape == want.shape);
            // A channel's statistics come from results that are each so far off.
            CHECK(norm_error(got.values, want.values) <= allowed(precision) * (want.shape.rank() == 1 ? 2 : 1));
            if (repeat == 1) CHECK(got.values == first.at(name).values);  // bit for bit
            first[name] = got;
          }
        }
        ++taken[c.op];
      } catch (const Error& error) {
        // A shape that the library has nothing for; the message says which.
        if (std::string(error.what()).find("no deterministic algorithm") == std::string::npos) throw;
        WARN(error.what());
      }
    }
    for (const char* op : {"conv2d_forward", "conv2d_backward_data", "conv2d_backward_weights", "linear_forward",
                           "linear_backward_data", "linear_backward_weights"}) {
      INFO(op);
      CHECK(taken[op] > 0);
    }
  }
}

}  // namespace scnn::test
