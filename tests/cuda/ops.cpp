#include <cmath>
#include <map>
#include <string>

#include "catch.h"
#include "op_cases.h"
#include "schedule.h"

namespace scnn::test {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr unsigned schedules[] = {1};  // each costs a minute or more
#else
constexpr unsigned schedules[] = {1, 2};
#endif

Arrays results_of(Backend& backend, const std::function<void(Backend&, Tensors&)>& call, const Arrays& arguments,
                  const Arrays& expected) {
  Tensors tensors = upload(backend, arguments);
  call(backend, tensors);
  backend.synchronize();
  Arrays results;
  for (const auto& [name, array] : expected) results[name] = download(backend, tensors.at(name));
  return results;
}

/// The largest difference over the largest value wanted; NaN where one is NaN.
double relative_error(const Array& got, const Array& want) {
  double worst = 0;
  double largest = 1e-30;
  for (std::int64_t i = 0; i < want.size(); ++i) {
    const double difference = std::fabs(got[i] - want[i]);
    if (!(difference <= worst)) worst = difference;
    largest = std::fmax(largest, std::fabs(want[i]));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("every CUDA op gives the values of the double reference, in any schedule", "[cuda]") {
  const auto backend = backend_for({DeviceType::cuda, 0});
  for (const OpCase& c : op_cases()) {
    if (c.timed_only) continue;
    INFO(c.op << ", " << c.name);
    const Arrays arguments = c.prepare();
    const Arrays expected = c.expect(arguments);
    Arrays first;
    for (const unsigned seed : schedules) {
      use_schedule(seed);
      const Arrays results = results_of(*backend, c.run, arguments, expected);
      for (const auto& [name, want] : expected) {
        INFO(name << ", schedule " << seed);
        REQUIRE(results.at(name).shape == want.shape);
        CHECK(relative_error(results.at(name), want) <= std::fmax(c.tolerance, 1e-5));
        if (seed == 1) continue;
        CHECK(results.at(name).values == first.at(name).values);  // bit for bit
      }
      first = results;
    }
    if (!c.composed) continue;
    const Arrays composed = results_of(*backend, c.composed, arguments, expected);
    for (const auto& [name, want] : expected) {
      INFO(name << ", composed");
      CHECK(relative_error(composed.at(name), want) <= std::fmax(c.tolerance, 1e-5));
      CHECK(relative_error(first.at(name), composed.at(name)) <= 1e-6);
    }
  }
}

}  // namespace scnn::test
