// A policy of your own: gamma grows while channels have more than 4.8 bits on average.  The program trains a small
// network on made-up images and prints its bits after each epoch.
#include <cstdio>
#include <memory>

#include "scnn/data/dataset.h"
#include "scnn/train/trainer.h"

/// Multiplies the weight of the size loss by 1.2 after each epoch that ends with too many bits.
class PushUntilSmall final : public scnn::CompressionPolicy {
 public:
  [[nodiscard]] std::string_view name() const override { return "push_until_small"; }
  void after_step(scnn::TrainingAccess& training) override {
    if (!training.clock().epoch_ended()) return;
    double bits = 0, channels = 0;
    for (const int index : training.graph().weighted_nodes()) {
      const scnn::Weights& weights = *training.graph().nodes()[static_cast<std::size_t>(index)].layer->weights();
      for (const float b : weights.quantizer->bits(training.graph().backend())) bits += b, channels += 1;
    }
    std::printf("epoch %.0f: %.2f bits a channel, factor %.2f\n", training.clock().epochs(), bits / channels, factor_);
    if (bits / channels > 4.8) factor_ *= 1.2;
  }
  [[nodiscard]] double gamma_factor(const scnn::RunClock& /*clock*/) const override { return factor_; }
  [[nodiscard]] scnn::PolicyState state() const override { return {{"factor", factor_}}; }
  void restore(const scnn::PolicyState& state) override { factor_ = state.at("factor"); }

 private:
  double factor_ = 1;
};

int main() {
  scnn::DataOptions made_up;
  made_up.type = "synthetic";
  made_up.synthetic = {512, 128, 1, 8, 8, 4};  // training and test images, channels, height, width, classes
  const scnn::Dataset data = scnn::load_dataset(made_up, 0);

  scnn::Conv2dSpec conv;
  conv.out = 12, conv.kernel = {3, 3};
  scnn::PoolSpec average;
  average.kind = scnn::PoolKind::average, average.global = true;
  const scnn::NetworkSpec network = {{"input", scnn::InputSpec{1, 8, 8}, {}, ""},
                                     {"conv", conv, {0}, ""},
                                     {"norm", scnn::BatchNormSpec{}, {1}, ""},
                                     {"relu", scnn::ReluSpec{}, {2}, ""},
                                     {"pool", average, {3}, ""},
                                     {"fc", scnn::LinearSpec{4, true}, {4}, ""}};
  const std::unique_ptr<scnn::Backend> backend = scnn::backend_for(scnn::Device{}, {});
  scnn::Graph graph(network, *backend);
  graph.initialize(0);

  scnn::TrainerOptions options;
  options.train.epochs = 8;
  options.train.batch_size = 32;
  options.train.optimizer.groups = {{{"*.bits", "*.exponent"}, 0.3, 1e-3, {}, {}}};
  scnn::TrainObserver quiet;
  scnn::Trainer trainer(graph, data, options, quiet);
  trainer.add_policy(std::make_unique<PushUntilSmall>());
  return trainer.run() ? 0 : 1;
}
