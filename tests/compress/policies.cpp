#include "compress/policies/policies.h"

#include <cmath>

#include "catch.h"
#include "network.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// Training of 4 epochs of 5 steps, without steps.
struct FakeTraining final : TrainingAccess {
  explicit FakeTraining(const CompressionOptions& options)
      : backend(backend_for(Device{}, {1})), network(net().spec(), *backend) {
    network.initialize(3);
    attach_quantizers(network, options);
    time.steps_per_epoch = 5;
    time.total_steps = 20;
    time.compressing_steps = compressing_steps(options, time.total_steps);
  }
  static NetworkBuilder net() {
    NetworkBuilder net(1, 4, 4);
    net.conv_bn_relu("conv1", 4).conv_bn_relu("conv2", 3).layer("pool", global_average());
    net.layer("fc", LinearSpec{2, true});
    return net;
  }
  [[nodiscard]] Graph& graph() override { return network; }
  [[nodiscard]] const RunClock& clock() const override { return time; }
  [[nodiscard]] Tensor probe_images(std::int64_t n) override { return random_tensor(Shape{n, 4, 4, 1}, 7); }
  void updates_changed() override { ++changes; }
  void channels_removed(const RemovalResult& result) override { removals.push_back(result); }

  std::unique_ptr<Backend> backend;
  Graph network;
  RunClock time;
  int changes = 0;
  std::vector<RemovalResult> removals;
};

CompressionPolicy& only(const PolicyList& list) {
  REQUIRE(list.size() == 1);
  return *list.front();
}

}  // namespace

TEST_CASE("gamma's ramp rises from 0 to 1 over its epochs; without one there is no policy") {
  PolicyList list;
  CompressionOptions options;
  add_gamma_ramp(list, options);
  CHECK(list.empty());
  options.gamma_ramp_epochs = 2;
  add_gamma_ramp(list, options);
  RunClock clock{0, 5, 20, 20};
  CHECK(only(list).gamma_factor(clock) == 0);
  clock.step = 5;
  CHECK(only(list).gamma_factor(clock) == 0.5);
  clock.step = 15;
  CHECK(only(list).gamma_factor(clock) == 1);
}

TEST_CASE("exponents become integers at their share of training, once, and freeze") {
  CompressionOptions options;
  options.integer_exponents_from = 0.5;
  FakeTraining training(options);
  PolicyList list;
  add_integer_exponents(list, options, training.time);
  Parameter& exponent = parameter(training.network, "conv1.exponent");
  exponent.value.data<float>()[0] = -2.75F;
  training.time.step = 9;
  only(list).before_step(training);
  CHECK(exponent.value.data<float>()[0] == -2.75F);
  CHECK_FALSE(exponent.frozen);
  training.time.step = 10;
  only(list).before_step(training);
  CHECK(exponent.value.data<float>()[0] == -3.0F);
  CHECK(exponent.frozen);
  CHECK_FALSE(parameter(training.network, "conv1.bits").frozen);
}

TEST_CASE("from the freeze on formats stay and the size loss is over") {
  CompressionOptions options;
  options.freeze_fraction = 0.25;
  FakeTraining training(options);
  REQUIRE(training.time.compressing_steps == 15);
  PolicyList list;
  add_format_freeze(list, options);
  CompressionPolicy& freeze = only(list);
  training.time.step = 14;
  freeze.before_step(training);
  CHECK(freeze.gamma_factor(training.time) == 1);
  training.time.step = 15;
  CHECK(freeze.gamma_factor(training.time) == 1);  // still that of the step before
  freeze.before_step(training);
  CHECK(freeze.gamma_factor(training.time) == 0);
  CHECK(parameter(training.network, "conv1.bits").frozen);
  CHECK(parameter(training.network, "fc.exponent").frozen);
  CHECK_FALSE(parameter(training.network, "conv1.weight").frozen);
}

TEST_CASE("the byte budget measures four times an epoch, keeps its state by name, and shifts bits at the end") {
  CompressionOptions options;
  options.target_bytes = 66;
  FakeTraining training(options);
  training.time.steps_per_epoch = 10;  // measured every 2 steps
  int measured = 0;
  const auto bytes = [&](Graph& graph) {
    ++measured;
    double bits = 0;
    for (Parameter* p : graph.parameters()) {
      if (p->role != ParameterRole::bits) continue;
      for (const float value : host_values(graph.backend(), p->value)) bits += value;
    }
    return static_cast<std::int64_t>(std::llround(bits));  // 72 at the start
  };
  PolicyList list;
  add_byte_budget(list, options, {training.time, bytes});
  CompressionPolicy& budget = only(list);
  for (training.time.step = 1; training.time.step <= 6; ++training.time.step) budget.after_step(training);
  CHECK(measured == 3);
  CHECK(budget.gamma_factor(training.time) > 1);
  CHECK(budget.state().at("first_bytes") == 72);

  PolicyList other;
  add_byte_budget(other, options, {training.time, bytes});
  CHECK(only(other).gamma_factor(training.time) == 1);
  only(other).restore(budget.state());
  CHECK(only(other).gamma_factor(training.time) == budget.gamma_factor(training.time));

  training.time.step = 20;
  budget.after_step(training);
  CHECK(bytes(training.network) <= 66);

  PolicyList blind;
  add_byte_budget(blind, options, {training.time, {}});
  CHECK_THROWS_AS(only(blind).after_step(training), Error);
}

TEST_CASE("dead channels are looked for at each period and at the end, and what left is told") {
  CompressionOptions options;
  options.removal = {0, 8};
  FakeTraining training(options);
  PolicyList list;
  add_channel_removal(list, options, training.time);
  parameter(training.network, "conv1.bits").value.data<float>()[1] = 0.0F;
  for (training.time.step = 1; training.time.step <= 8; ++training.time.step) only(list).after_step(training);
  REQUIRE(training.removals.size() == 1);
  CHECK(training.changes == 1);  // the dead channel's shift is pulled to 0 now
  // The shift is 0 already, so that the channel may go at once.
  REQUIRE(training.removals[0].layers.size() == 1);
  CHECK(training.removals[0].layers[0].layer == "conv1");
  CHECK(live_channels(training.network, "conv1") == 3);
  training.time.step = 20;  // no multiple of 8
  only(list).after_step(training);
  CHECK(training.removals.size() == 2);
  options.removal = {};
  PolicyList never;
  add_channel_removal(never, options, training.time);
  CHECK(never.empty());
}

TEST_CASE("channels lose their bits at the epochs of the schedule alone") {
  CompressionOptions options;
  options.type = "magnitude_prune";
  options.prune = {0.5, {2}};
  FakeTraining training(options);
  PolicyList list;
  add_prune_schedule(list, options);
  const auto dead = [&] {
    std::int64_t count = 0;
    for (const float bits : host_values(*training.backend, parameter(training.network, "conv1.bits").value)) {
      count += bits == 0.0F ? 1 : 0;
    }
    return count;
  };
  for (const std::int64_t step : {5, 9, 11}) {
    training.time.step = step;
    only(list).after_step(training);
    CHECK(dead() == 0);
  }
  training.time.step = 10;
  only(list).after_step(training);
  CHECK(dead() == 2);
}
