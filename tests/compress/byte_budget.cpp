#include "compress/policies/byte_budget.h"

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "network.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/error.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// A file that shrinks the faster the larger gamma is, down to what gamma holds it at, and grows back slowly.
struct Plant {
  double bytes = 40000, gamma = 0.05, floor_at_one = 300;
  void run(double epochs) {
    const double rest = floor_at_one / std::pow(gamma, 0.6);
    const double speed = rest < bytes ? 0.4 : 0.15;
    bytes = rest + (bytes - rest) * std::exp(-speed * epochs);
  }
};

}  // namespace

TEST_CASE("the controller brings a file to its budget and holds it there, whatever gamma it starts from") {
  for (const double target : {6000.0, 8000.0, 15000.0}) {
    for (const double gamma : {0.01, 0.075, 0.3}) {
      INFO("target " << target << ", gamma " << gamma);
      ByteBudget budget(target);
      Plant plant;
      const int epochs = 12;
      double lowest = 1e9;
      for (int quarter = 1; quarter <= 4 * epochs; ++quarter) {
        plant.gamma = gamma * budget.factor() * std::min(1.0, quarter / 20.0);  // a ramp of 5 epochs
        plant.run(0.25);
        const double progress = quarter / (4.0 * epochs);
        budget.measured(progress, plant.bytes);
        lowest = std::min(lowest, plant.bytes);
      }
      CHECK(plant.bytes == Approx(target).epsilon(0.05));
      CHECK(lowest > 0.85 * target);  // what is lost is lost for good
    }
  }
}

TEST_CASE("the reference falls from the first size to just below the budget and stays there") {
  ByteBudget budget(10000);
  budget.measured(0.05, 40000);
  CHECK(budget.factor() == 1.0);
  CHECK(budget.reference(0.05) == Approx(40000));
  CHECK(budget.reference(0.35) == Approx(std::sqrt(40000.0 * 9900.0)));
  CHECK(budget.reference(0.65) == Approx(9900));
  CHECK(budget.reference(1.0) == Approx(9900));
  budget.measured(0.2, 40000);
  CHECK(budget.factor() > 1.0);
  ByteBudget small(50000);
  small.measured(0.05, 40000);
  CHECK(small.reference(0.1) == Approx(49500));
  CHECK_FALSE(ByteBudget().on());
}

TEST_CASE("a budget that is off leaves gamma alone, whatever its checkpoint says") {
  ByteBudget budget(10000);
  budget.state.log_factor = 2;
  CHECK(budget.factor() == Approx(std::exp(2.0)));
  ByteBudget off;
  off.state = budget.state;
  CHECK(off.factor() == 1.0);
}

TEST_CASE("a fork into a longer training goes back in its share and keeps its gamma's direction") {
  ByteBudget budget(10000);
  budget.state = {0, 40000, 0.05, 1.0, std::log(10100.0 / 9900.0)};
  budget.measured(0.5, 21000);
  const double before = budget.state.log_factor;
  ByteBudget later(10000);
  later.state = {0, 40000, 0.05, 0.5, std::log(10100.0 / 9900.0)};
  later.measured(0.5, 21000);
  CHECK(before == later.state.log_factor);  // no training between the two
}

TEST_CASE("shifting takes bits from all channels until the size fits, and no more") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  NetworkBuilder net(1, 8, 8);
  net.conv_bn_relu("conv1", 8)
      .conv_bn_relu("conv2", 12)
      .layer("pool", global_average())
      .layer("fc", LinearSpec{4, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  CompressionOptions options;
  options.init_bits = 4;
  attach_quantizers(graph, options);
  const auto bits = [&] {
    double sum = 0;
    for (Parameter* parameter : graph.parameters()) {
      if (!parameter->name.ends_with(".bits")) continue;
      for (const float value : host_values(*backend, parameter->value)) sum += value;
    }
    return sum;
  };
  const auto bytes = [&] { return static_cast<std::int64_t>(std::llround(100 * bits())); };
  const std::int64_t before = bytes();
  REQUIRE(before == 9600);
  CHECK(shift_bits_to_budget(graph, 9500, bytes) <= 9500);
  CHECK(bytes() >= 9490);
  // Within 2% below the budget nothing moves; further below, bits are given back.
  const std::int64_t stands = bytes();
  CHECK(shift_bits_to_budget(graph, 9600, bytes) == stands);
  CHECK(shift_bits_to_budget(graph, 11000, bytes) <= 11000);
  CHECK(bytes() >= 10990);
  // Where fewer bits leave no way through the network, landing goes as far as one is left.
  const double now = bits();
  const auto fragile = [&](double least) {
    return [&, least] {
      if (bits() < least) throw Error(ErrorKind::training, "no live path");
      return bytes();
    };
  };
  CHECK(shift_bits_to_budget(graph, bytes() - 200, fragile(now - 3)) <= std::llround(100 * now) - 200);
  CHECK(bits() >= now - 3);
  const double left = bits();
  const std::int64_t closest = shift_bits_to_budget(graph, 10, fragile(left - 3));
  CHECK(closest == bytes());
  CHECK(bits() == Approx(left - 3).margin(0.02));
  int calls = 0;
  CHECK_THROWS_AS(shift_bits_to_budget(graph, 10,
                                       [&]() -> std::int64_t {
                                         if (++calls == 1) return bytes();
                                         throw Error(ErrorKind::bug, "another error is none of landing's");
                                       }),
                  Error);
  // Dead channels stay dead, the logits keep their floor, and a whole bit less is the most.
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name == "conv1.bits") backend->fill(parameter->value, 0.0F);
    if (parameter->name == "fc.bits") backend->fill(parameter->value, 1.5F);
  }
  const std::int64_t reached = shift_bits_to_budget(graph, 10, bytes);
  CHECK(reached == bytes());
  CHECK(reached > 10);
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name == "conv1.bits") CHECK(host_values(*backend, parameter->value)[0] == 0.0F);
    if (parameter->name == "fc.bits") CHECK(host_values(*backend, parameter->value)[0] == 1.0F);
  }
}
