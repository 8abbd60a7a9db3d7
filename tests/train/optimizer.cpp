#include "scnn/train/optimizer.h"

#include "catch.h"
#include "network.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

struct Subject {
  Subject() : backend(backend_for(Device{}, {1})), graph(network().spec(), *backend) {
    graph.initialize(1);
    for (Parameter* p : graph.parameters()) {
      if (p->trainable) backend->fill(p->gradient, 1.0F);
    }
  }
  static NetworkBuilder network() {
    NetworkBuilder net(1, 2, 2);
    return net.conv_bn_relu("conv", 2).layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, true});
  }
  /// How far the first element of a parameter moves in one step.
  double moved(const OptimizerOptions& options, const std::string& name, double clip = 0, double epochs = 0) {
    const ScheduleOptions constant;
    Optimizer optimizer(graph, options, constant, 10);
    optimizer.clip_gradient = clip;
    const float before = parameter(graph, name).value.data<float>()[0];
    optimizer.step(epochs, 1);
    return static_cast<double>(before) - parameter(graph, name).value.data<float>()[0];
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
};

OptimizerOptions sgd(double lr) {
  OptimizerOptions options;
  options.type = OptimizerType::sgd;
  options.lr = lr;
  options.momentum = 0;
  return options;
}

}  // namespace

TEST_CASE("later groups win, and only for what they name") {
  OptimizerOptions options = sgd(0.1);
  options.groups = {{{"*.bias", "*.shift"}, 0.2, std::nullopt, std::nullopt, std::nullopt},
                    {{"fc.*"}, 0.3, std::nullopt, std::nullopt, std::nullopt}};
  CHECK(Subject().moved(options, "conv.weight") == Approx(0.1).epsilon(1e-4));
  CHECK(Subject().moved(options, "conv_bn.shift") == Approx(0.2).epsilon(1e-4));
  CHECK(Subject().moved(options, "fc.bias") == Approx(0.3).epsilon(1e-4));
}

TEST_CASE("a group may have its own schedule") {
  OptimizerOptions options = sgd(0.1);
  ScheduleOptions anneal;
  anneal.type = ScheduleType::anneal_end;
  anneal.fraction = 1.0;
  options.groups = {{{"fc.*"}, std::nullopt, std::nullopt, std::nullopt, anneal}};
  CHECK(Subject().moved(options, "fc.bias", 0, 5.0) == Approx(0.05).epsilon(1e-4));
  CHECK(Subject().moved(options, "conv_bn.shift", 0, 5.0) == Approx(0.1).epsilon(1e-4));
}

TEST_CASE("weight decay reaches weights only") {
  OptimizerOptions options = sgd(0.1);
  options.weight_decay = 100;
  CHECK(Subject().moved(options, "conv_bn.scale") == Approx(0.1).epsilon(1e-4));
  CHECK(std::abs(Subject().moved(options, "conv.weight") - 0.1) > 0.05);
  options.weight_decay = 0;
  options.groups = {{{"*"}, std::nullopt, std::nullopt, 100.0, std::nullopt}};
  CHECK(Subject().moved(options, "conv_bn.scale") == Approx(0.1).epsilon(1e-4));
  CHECK(std::abs(Subject().moved(options, "conv.weight") - 0.1) > 0.05);
}

TEST_CASE("gradients come unfinished to Adam and AdamW, unless they are clipped") {
  Subject subject;
  const auto finishes = [&](OptimizerType type, double clip) {
    OptimizerOptions options;
    options.type = type;
    Optimizer optimizer(subject.graph, options, {}, 10);
    optimizer.clip_gradient = clip;
    return optimizer.finishes_gradients();
  };
  CHECK(finishes(OptimizerType::adam, 0));
  CHECK(finishes(OptimizerType::adamw, 0));
  CHECK_FALSE(finishes(OptimizerType::adam, 1));
  CHECK_FALSE(finishes(OptimizerType::sgd, 0));
}

TEST_CASE("clipping scales all gradients to the norm") {
  Subject subject;
  double elements = 0;
  for (const Parameter* p : subject.graph.parameters())
    elements += p->trainable ? static_cast<double>(p->value.size()) : 0;
  CHECK(subject.moved(sgd(1.0), "fc.bias", 0.5) == Approx(0.5 / std::sqrt(elements)).epsilon(1e-4));
}

TEST_CASE("clipping does not count gradients that nothing follows") {
  Subject subject;
  double elements = 0;
  for (const Parameter* p : subject.graph.parameters())
    elements += p->trainable ? static_cast<double>(p->value.size()) : 0;
  // A large gradient on a shift that is being pulled to 0: the others move as if it were not there.
  Parameter& shift = parameter(subject.graph, "conv_bn.shift");
  shift.pull = Tensor::of(shift.value.shape(), std::vector<float>{1e-3F, 0.0F});
  shift.gradient.data<float>()[0] = 1e6F;
  CHECK(subject.moved(sgd(1.0), "fc.bias", 0.5) == Approx(0.5 / std::sqrt(elements - 1)).epsilon(1e-4));
}

TEST_CASE("what is frozen neither moves nor counts when gradients are clipped") {
  Subject subject;
  double followed = 0;
  for (const Parameter* p : subject.graph.parameters())
    followed += p->trainable && p->name != "conv.weight" ? static_cast<double>(p->value.size()) : 0;
  Optimizer optimizer(subject.graph, sgd(1.0), {}, 10);
  optimizer.clip_gradient = 0.5;
  parameter(subject.graph, "conv.weight").frozen = true;
  const float weight = parameter(subject.graph, "conv.weight").value.data<float>()[0];
  const float bias = parameter(subject.graph, "fc.bias").value.data<float>()[0];
  optimizer.step(0, 1);
  CHECK(parameter(subject.graph, "conv.weight").value.data<float>()[0] == weight);
  const float moved = bias - parameter(subject.graph, "fc.bias").value.data<float>()[0];
  CHECK(moved == Approx(0.5 / std::sqrt(followed)).epsilon(1e-4));
}

TEST_CASE("clipping does not count dead channels") {
  Subject subject;
  CompressionOptions compression;
  compression.init_bits = 4;
  attach_quantizers(subject.graph, compression);
  parameter(subject.graph, "conv.bits").value.data<float>()[1] = 0.0F;
  parameter(subject.graph, "conv_bn.shift").value.data<float>()[1] = 1.0F;  // the relu lets its gradient through
  const Tensor x = random_tensor(Shape{4, 2, 2, 1}, 1);
  Pass pass;
  pass.mode = Mode::train;
  subject.graph.forward(x, pass);
  subject.graph.backward(random_tensor(Shape{4, 2}, 2), pass);
  double sum = 0;
  for (const Parameter* p : subject.graph.parameters()) {
    if (!p->trainable) continue;
    const bool dies = p->name == "conv.weight" || p->name == "conv.bits" || p->name == "conv.exponent";
    const std::int64_t counted = dies ? p->value.size() / 2 : p->value.size();
    for (std::int64_t i = 0; i < counted; ++i) sum += std::pow(static_cast<double>(p->gradient.data<float>()[i]), 2);
  }
  const float gradient = parameter(subject.graph, "fc.bias").gradient.data<float>()[0];
  const double moved = subject.moved(sgd(1.0), "fc.bias", 1e-3);
  CHECK(moved == Approx(1e-3 * static_cast<double>(gradient) / std::sqrt(sum)).epsilon(1e-4));
}

TEST_CASE("a pattern that fits no parameter is an error; bits may be named without a quantizer") {
  Subject subject;
  OptimizerOptions options = sgd(0.1);
  options.groups = {{{"*.bits"}, 0.2, std::nullopt, std::nullopt, std::nullopt}};
  CHECK_NOTHROW(Optimizer(subject.graph, options, {}, 10));
  options.groups[0].match = {"*.bit"};
  CHECK_THROWS_WITH(Optimizer(subject.graph, options, {}, 10), Contains("groups[0].match: '*.bit' fits no parameter"));
}

TEST_CASE("steady_steps: where a constant gradient has led each optimizer's steps after many") {
  for (const OptimizerType type : {OptimizerType::sgd, OptimizerType::adam, OptimizerType::adamw}) {
    OptimizerOptions options;
    options.type = type;
    options.eps = 0.5;  // beside a gradient of 1
    options.groups = {{{"fc.bias"}, 1e-3, std::nullopt, std::nullopt, std::nullopt}};
    Subject subject;
    Optimizer optimizer(subject.graph, options, {}, 10);
    const float* value = parameter(subject.graph, "fc.bias").value.data<float>();
    for (int step = 1; step < 200; ++step) optimizer.step(0, step);
    const double before = value[0];
    optimizer.step(0, 200);
    const std::vector<double> said = optimizer.steady_steps(parameter(subject.graph, "fc.bias"), {1.0, -1.0});
    REQUIRE(said.size() == 2);
    CHECK(before - value[0] == Approx(said[0]).epsilon(1e-3));
    CHECK(said[1] == -said[0]);
    CHECK_THROWS_WITH(optimizer.steady_steps(Parameter(), {}), Contains("is not learned"));
  }
}
