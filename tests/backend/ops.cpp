#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <set>

#include "catch.h"
#include "op_cases.h"

namespace scnn::test {
namespace {

double largest(const Array& a) {
  double most = 0;
  for (const double v : a.values) most = std::max(most, std::fabs(v));
  return most;
}

/// Makes a case's call and returns its results as `expect` names them.
Arrays results_of(Backend& backend, const std::function<void(Backend&, Tensors&)>& call, const Arrays& arguments,
                  const Arrays& expected) {
  Tensors tensors = upload(backend, arguments);
  call(backend, tensors);
  backend.synchronize();
  Arrays results;
  for (const auto& [name, array] : expected) results[name] = download(backend, tensors.at(name));
  return results;
}

}  // namespace

TEST_CASE("every op gives the values of the double reference", "[ops]") {
  for (const int threads : {1, 2}) {
    const auto backend = backend_for({}, {.threads = threads});
    for (const OpCase& c : op_cases()) {
      if (c.timed_only) continue;
      INFO(c.op << ", " << c.name << ", " << threads << " threads");
      const Arrays arguments = c.prepare();
      const Arrays expected = c.expect(arguments);
      for (const auto& call : {c.run, c.composed}) {
        if (!call) continue;
        const Arrays results = results_of(*backend, call, arguments, expected);
        for (const auto& [name, want] : expected) {
          const Array& got = results.at(name);
          REQUIRE(got.shape == want.shape);
          const double allowed = c.tolerance * largest(want) + 1e-30;
          double worst = 0;
          std::int64_t at = 0;
          for (std::int64_t i = 0; i < want.size(); ++i) {
            const double difference = std::fabs(got[i] - want[i]);
            if (!(difference <= worst)) {  // NaN is the worst there is
              worst = difference;
              at = i;
            }
          }
          INFO(name << "[" << at << "]: " << (want.size() > 0 ? got[at] : 0) << " instead of "
                    << (want.size() > 0 ? want[at] : 0) << ", allowed difference " << allowed);
          CHECK(worst <= allowed);
        }
      }
    }
  }
}

TEST_CASE("every backward op is the derivative of the reference's forward", "[ops]") {
  const auto backend = backend_for({});
  int checked = 0;
  for (const OpCase& c : op_cases()) {
    if (c.timed_only || c.gradients.empty()) continue;
    Arrays arguments = c.prepare();
    Tensors tensors = upload(*backend, arguments);
    c.run(*backend, tensors);
    for (const auto& [result, argument] : c.gradients) {
      const Array got = download(*backend, tensors.at(result));
      Array& x = arguments.at(argument);
      const double scale = largest(got);
      // A few places, spread over the array.
      const std::int64_t step = std::max<std::int64_t>(1, x.size() / 7);
      for (std::int64_t i = step / 2; i < x.size(); i += step) {
        const double before = x[i];
        const double h = 1e-6 * std::max(1.0, std::fabs(before));
        x[i] = before + h;
        const double above = c.objective(arguments);
        x[i] = before - h;
        const double below = c.objective(arguments);
        x[i] = before;
        INFO(c.op << ", " << c.name << ": " << result << "[" << i << "]");
        CHECK(std::fabs(got[i] - (above - below) / (2 * h)) <= (10 * c.tolerance + 1e-6) * scale + 1e-7);
        ++checked;
      }
    }
  }
  CHECK(checked > 300);
}

TEST_CASE("the list of cases covers the contract", "[ops]") {
  std::set<std::string> ops;
  std::set<std::string> names;
  for (const OpCase& c : op_cases()) {
    ops.insert(c.op);
    CHECK(names.insert(c.op + ": " + c.name).second);
  }
  for (const char* op : {"copy",
                         "fill",
                         "scale",
                         "accumulate",
                         "gather",
                         "relu_forward",
                         "relu_backward",
                         "dropout",
                         "conv2d_forward",
                         "conv2d_backward_data",
                         "conv2d_backward_weights",
                         "linear_forward",
                         "linear_backward_data",
                         "linear_backward_weights",
                         "quantize",
                         "quantize_backward",
                         "batch_norm_statistics",
                         "batch_norm_forward",
                         "batch_norm_backward",
                         "max_pool2d_forward",
                         "max_pool2d_backward",
                         "avg_pool2d_forward",
                         "avg_pool2d_backward",
                         "softmax_cross_entropy",
                         "adam",
                         "sgd",
                         "conv2d_forward_statistics",
                         "batch_norm_max_pool_forward",
                         "batch_norm_max_pool_backward",
                         "quantize_backward_adam"}) {
    INFO(op);
    CHECK(ops.contains(op));
  }
}

TEST_CASE("the same call with the same threads gives the same bits", "[ops]") {
  const auto backend = backend_for({}, {.threads = 2});
  for (const OpCase& c : op_cases()) {
    if (c.timed_only) continue;
    INFO(c.op << ", " << c.name);
    const Arrays arguments = c.prepare();
    const Arrays expected = c.expect(arguments);
    const Arrays first = results_of(*backend, c.run, arguments, expected);
    const Arrays second = results_of(*backend, c.run, arguments, expected);
    for (const auto& [name, array] : first) CHECK(array.values == second.at(name).values);
  }
}

// Hidden: `test_backend "[speed]"` times every case that says what it costs.
TEST_CASE("speed of the ops", "[.speed]") {
  const char* threads = std::getenv("SCNN_BENCH_THREADS");
  const auto backend = backend_for({}, {.threads = threads != nullptr ? std::atoi(threads) : 0});
  std::cout << backend->description() << "\n";
  for (const OpCase& c : op_cases()) {
    if (!c.timed_only) continue;
    Tensors tensors = upload(*backend, c.prepare());
    const auto seconds = [&] {
      const auto start = std::chrono::steady_clock::now();
      c.run(*backend, tensors);
      backend->synchronize();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    double best = seconds();
    double total = 0;
    for (int i = 0; i < 50 && total < 0.15; ++i) {
      const double s = seconds();
      total += s;
      best = std::min(best, s);
    }
    std::printf("%-24s %-44s %9.1f us  %7.1f G%s/s\n", c.op.c_str(), c.name.c_str(), 1e6 * best, c.flops / best * 1e-9,
                c.op.starts_with("conv") || c.op.starts_with("linear") ? "FLOP" : "B");
  }
}

}  // namespace scnn::test
