#include "scnn/train/training_step.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "scnn/compress/quantizer.h"
#include "scnn/compress/size_status.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

namespace {

struct Step {
  Step() : backend(backend_for(Device{}, {1})), graph(Run::network().spec(), *backend) {
    graph.initialize(5);
    const CompressionOptions compression;
    attach_quantizers(graph, compression);
    size_loss = std::make_unique<SizeLoss>(graph, compression.size_loss, false, SizeMeter(graph).original_weights());
    optimizer = std::make_unique<Optimizer>(graph, OptimizerOptions{}, ScheduleOptions{}, 1);
    step = std::make_unique<TrainingStep>(graph, *size_loss, *optimizer, 0.0, 10);
  }
  StepResult run(const Tensor& images, double gamma) {
    Pass pass;
    pass.mode = Mode::train;
    const std::vector<std::int32_t> labels = {0, 1, 2, 3};
    return step->run({images, Tensor::of(Shape{4}, std::span<const std::int32_t>(labels))}, pass, gamma);
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
  std::unique_ptr<SizeLoss> size_loss;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<TrainingStep> step;
};

}  // namespace

TEST_CASE("a step gives loss, size loss and hits of its batch, and learns") {
  Step one;
  const Tensor images = random_tensor(Shape{4, 8, 8, 1}, 2);
  const double bits = one.size_loss->value();
  const StepResult first = one.run(images, 0.1);
  CHECK(first.size_loss == bits);
  CHECK(first.loss_sum > 0);
  CHECK((first.correct >= 0 && first.correct <= 4));
  CHECK(one.size_loss->value() < bits);  // gamma has moved the bits
  CHECK(one.run(images, 0.1).loss_sum != first.loss_sum);
  CHECK(one.step->recordings() == 0);  // the CPU records nothing
}

TEST_CASE("a step whose loss is no number changes nothing that is learned") {
  Step one;
  Tensor images = random_tensor(Shape{4, 8, 8, 1}, 2);
  images.data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> before = host_values(*one.backend, parameter(one.graph, "fc.weight").value);
  const StepResult result = one.run(images, 0.1);
  CHECK_FALSE(std::isfinite(result.loss_sum));
  CHECK(result.correct == 0);
  CHECK(host_values(*one.backend, parameter(one.graph, "fc.weight").value) == before);
}
