#include <algorithm>
#include <cmath>
#include <numeric>

#include "catch.h"
#include "schedule.h"
#include "training_run.h"

namespace scnn::test {
namespace {

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::fmax(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("training on the emulated GPU follows the CPU, removes channels, and goes on on the CPU", "[cuda][train]") {
  const TemporaryFolder folder;
  TrainerOptions options = small_options();
  options.train.epochs = 4;
  Training cpu(Device{}, options);
  REQUIRE(cpu.trainer->run());
  options.checkpoint_folder = folder.path();
  use_schedule(11);
  Training gpu({DeviceType::cuda, 0}, options);
  REQUIRE(gpu.trainer->run());

  // Until the first weight is rounded the other way, the two differ by rounding alone; from then on they are two runs
  // of the same experiment.
  REQUIRE(gpu.losses.size() == 64);
  for (std::size_t i = 0; i < 8; ++i) CHECK(gpu.losses[i] == Approx(cpu.losses[i]).epsilon(1e-4));
  for (std::size_t e = 0; e < 4; ++e) {
    CHECK(gpu.epochs[e].train_loss == Approx(cpu.epochs[e].train_loss).epsilon(0.15));
    CHECK(gpu.epochs[e].size.learned_bits == Approx(cpu.epochs[e].size.learned_bits).epsilon(0.15));
  }
  CHECK(gpu.losses.back() < 0.6 * gpu.losses.front());
  REQUIRE_FALSE(gpu.removals.empty());
  for (const RemovalRecord& removal : gpu.removals) CHECK(removal.max_diff < 1e-5);

  // The checkpoint does not know where it was made.
  std::vector<std::string> warnings;
  const auto checkpoint = CheckpointFolder(folder.path()).newest(warnings);
  REQUIRE(checkpoint.has_value());
  Training second(Device{}, options);
  second.trainer->resume(*checkpoint);
  CHECK(live_channels(second.graph, "conv2") == live_channels(gpu.graph, "conv2"));
  CHECK(live_channels(second.graph, "conv2") < 12);
  CHECK(largest_difference(second.logits(), gpu.logits()) < 1e-5);
}

TEST_CASE("baselines train on the emulated GPU as on the CPU, and so does AutoAugment", "[cuda][train]") {
  for (const std::string type : {"diffq", "lsq", "magnitude_prune"}) {
    TrainerOptions options = small_options();
    options.train.epochs = 2;
    options.compression.type = type;
    options.compression.bits = 4;
    options.compression.prune = {0.5, {1}};
    options.augment = {Pad{2}, AutoAugment{}, Crop{}};
    options.train.optimizer.groups = {{{"*.step"}, 1e-4, std::nullopt, std::nullopt, std::nullopt}};
    Training cpu(Device{}, options);
    REQUIRE(cpu.trainer->run());
    use_schedule(13);
    Training gpu({DeviceType::cuda, 0}, options);
    REQUIRE(gpu.trainer->run());
    for (std::size_t i = 0; i < 4; ++i) CHECK(gpu.losses[i] == Approx(cpu.losses[i]).epsilon(1e-3));
    CHECK(gpu.epochs.back().train_loss == Approx(cpu.epochs.back().train_loss).epsilon(0.15));
    CHECK(live_channels(gpu.graph, "conv2") == live_channels(cpu.graph, "conv2"));
  }
}

TEST_CASE("the fused update trains as the separate ops do on the emulated GPU, across a removal", "[cuda][train]") {
  TrainerOptions options = small_options();
  options.train.epochs = 2;
  options.compression.gamma = 0.1;
  use_schedule(12);
  Training fused({DeviceType::cuda, 0}, options);
  REQUIRE(fused.trainer->run());
  options.train.clip_gradient = 1e30;  // scales nothing, but needs all gradients first
  Training separate({DeviceType::cuda, 0}, options);
  REQUIRE(separate.trainer->run());
  REQUIRE_FALSE(separate.removals.empty());
  REQUIRE(fused.losses.size() == separate.losses.size());
  for (std::size_t i = 0; i < fused.losses.size(); ++i) {
    CHECK(fused.losses[i] == Approx(separate.losses[i]).epsilon(1e-6));
  }
  const std::vector<Parameter*> want = separate.graph.parameters();
  const std::vector<Parameter*> got = fused.graph.parameters();
  for (std::size_t i = 0; i < want.size(); ++i) {
    INFO(want[i]->name);
    REQUIRE(got[i]->value.shape() == want[i]->value.shape());
    CHECK(largest_difference(host_values(*fused.backend, got[i]->value),
                             host_values(*separate.backend, want[i]->value)) <= 1e-6);
  }
}

TEST_CASE("a network trained in bf16 and cut from 64 to 61 channels gives its logits on the CPU", "[cuda][train]") {
  const TemporaryFolder folder;
  NetworkBuilder net(1, 8, 8);
  net.conv_bn_relu("conv1", 64).conv_bn_relu("conv2", 16).layer("pool", global_average());
  net.layer("fc", LinearSpec{4, true});
  TrainerOptions options = small_options();
  options.train.epochs = 2;
  options.train.optimizer.groups = {{{"*.bits"}, 0.0, std::nullopt, std::nullopt, std::nullopt}};
  options.compression.gamma = 0;
  options.checkpoint_folder = folder.path();
  use_schedule(13);
  Training gpu({DeviceType::cuda, 0}, options, net, {.threads = 1, .precision = Precision::bf16});
  Parameter& bits = parameter(gpu.graph, "conv1.bits");
  std::vector<float> values = host_values(*gpu.backend, bits.value);
  for (const std::size_t channel : {5U, 20U, 63U}) values[channel] = 0;
  set_values(*gpu.backend, values, bits.value);
  REQUIRE(gpu.trainer->run());
  REQUIRE(live_channels(gpu.graph, "conv1") == 61);
  CHECK(gpu.losses.back() < 0.9 * gpu.losses.front());

  std::vector<std::string> warnings;
  const auto checkpoint = CheckpointFolder(folder.path()).newest(warnings);
  REQUIRE(checkpoint.has_value());
  Training cpu(Device{}, options, net);
  cpu.trainer->resume(*checkpoint);
  Training plain({DeviceType::cuda, 0}, options, net);
  plain.trainer->resume(*checkpoint);
  const std::vector<float> logits = cpu.logits();
  const float largest = std::abs(*std::ranges::max_element(logits, {}, [](float v) { return std::abs(v); }));
  CHECK(largest_difference(plain.logits(), logits) <= 1e-5 * largest);
  // Activations are rounded to bf16 on the way into each convolution.
  CHECK(largest_difference(gpu.logits(), logits) <= 1e-2 * largest);
}

}  // namespace scnn::test
