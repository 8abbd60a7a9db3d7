#include <chrono>

#include "catch.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE(
    "what the size loss takes unopposed is told beforehand: of Adam and SGD, of both forms, beside float layers") {
  for (const OptimizerType type : {OptimizerType::adam, OptimizerType::sgd}) {
    for (const SizeLossForm form : {SizeLossForm::own_inputs, SizeLossForm::live_inputs}) {
      TrainerOptions options = small_options();
      options.train.epochs = 1;
      options.train.batch_size = 512;  // one step
      options.train.optimizer.type = type;
      options.train.optimizer.momentum = 0;
      options.compression.size_loss = form;
      options.compression.gamma = 0.2;
      options.compression.exclude = {"sum_in"};
      options.compression.init_bits = 6;
      Recorder seen;
      Run run(options, seen);
      // Weights far inside their range: the task has nothing to say about the bits.
      for (const int node : run.graph.weighted_nodes()) {
        Parameter& weights = run.graph.nodes()[static_cast<std::size_t>(node)].layer->weights()->parameter;
        std::vector<float> values = host_values(*run.backend, weights.value);
        for (float& value : values) value *= 0.1F;
        set_values(*run.backend, values, weights.value);
      }
      const double said = run.trainer->unopposed_fall();
      const SizeMeter meter(run.graph);
      const auto bits_a_weight = [&] {
        const SizeStatus size = meter.total(run.graph, meter.layers(run.graph));
        return size.learned_bits / static_cast<double>(size.live_weights);
      };
      const double before = bits_a_weight();
      REQUIRE(run.trainer->run());
      CHECK(said > 1e-4);
      CHECK(before - bits_a_weight() == Approx(said).epsilon(1e-3));
    }
  }
}

TEST_CASE("an epoch's waiting for batches is that epoch's own") {
  struct Clocked : Recorder {
    void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override {
      const auto now = std::chrono::steady_clock::now();
      elapsed.push_back(std::chrono::duration<double>(now - last).count());
      last = now;
      Recorder::on_epoch(record, layers);
    }
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
    std::vector<double> elapsed;
  };
  DataOptions images;
  images.type = "synthetic";
  images.synthetic = {512, 64, 3, 32, 32, 4};
  const Dataset data = load_dataset(images, 5);
  TrainerOptions options = small_options();
  options.train.epochs = 6;
  options.augment = {AutoAugment{}};  // far more work than the network
  NetworkBuilder net(3, 32, 32);
  net.layer("pool", global_average()).layer("fc", LinearSpec{4, true});
  const auto backend = backend_for(Device{}, {1});
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  Clocked seen;
  Trainer trainer(graph, data, options, seen);
  REQUIRE(trainer.run());
  REQUIRE(seen.epochs.size() == 6);
  for (std::size_t epoch = 0; epoch < 6; ++epoch) {
    CHECK(seen.epochs[epoch].wait_seconds > 0);
    CHECK(seen.epochs[epoch].wait_seconds < seen.elapsed[epoch]);
  }
}
