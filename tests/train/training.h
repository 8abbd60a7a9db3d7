#pragma once

#include <memory>

#include "network.h"
#include "scnn/data/dataset.h"
#include "scnn/train/trainer.h"
#include "temporary_folder.h"

namespace scnn::test {

inline const Dataset& small_data() {
  static const Dataset data = [] {
    DataOptions options;
    options.type = "synthetic";
    options.synthetic = {512, 128, 1, 8, 8, 4};
    return load_dataset(options, 5);
  }();
  return data;
}

inline TrainerOptions small_options() {
  TrainerOptions options;
  options.seed = 5;
  options.train.epochs = 8;
  options.train.batch_size = 32;
  options.train.optimizer.lr = 0.01;
  options.train.optimizer.groups = {{{"*.bits", "*.exponent"}, 0.5, 1e-3, std::nullopt, std::nullopt}};
  options.train.statistics_batches = 4;
  options.compression.gamma = 0.03;
  options.config = "name: test\n";
  return options;
}

/// Keeps what the trainer tells, and may stop it behind a step.
struct Recorder : TrainObserver {
  std::vector<EpochRecord> epochs;
  std::vector<double> losses;
  std::vector<RemovalRecord> removals;
  std::int64_t stop_at = -1;
  void on_step(const StepRecord& record) override { losses.push_back(record.loss); }
  void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>&) override { epochs.push_back(record); }
  void on_removal(const RemovalRecord& record) override { removals.push_back(record); }
  bool should_stop() override { return static_cast<std::int64_t>(losses.size()) == stop_at; }
};

/// A fresh network on the small data, and its trainer.
struct Run {
  explicit Run(const TrainerOptions& options, TrainObserver& observer, int threads = 1)
      : Run(backend_for(Device{}, {threads}), options, observer, network()) {}
  Run(std::unique_ptr<Backend> on, const TrainerOptions& options, TrainObserver& observer, const NetworkBuilder& net)
      : backend(std::move(on)), graph(net.spec(), *backend) {
    graph.initialize(options.seed);
    trainer = std::make_unique<Trainer>(graph, small_data(), options, observer);
  }
  static NetworkBuilder network() {
    NetworkBuilder net(1, 8, 8);
    net.conv_bn_relu("conv1", 8).conv_bn_relu("conv2", 12).layer("sum_in", NetworkBuilder::conv(12));
    net.layer("sum", AddSpec{}, {"sum_in", "conv2_relu"})
        .layer("pool", global_average())
        .layer("fc", LinearSpec{4, true});
    return net;
  }
  /// Every number that training produced.
  [[nodiscard]] std::map<std::string, std::vector<float>> values() {
    std::map<std::string, std::vector<float>> all;
    for (Parameter* p : graph.parameters()) {
      all[p->name] = host_values(*backend, p->value);
      for (std::size_t i = 0; i < p->slots.size(); ++i)
        all[p->name + std::to_string(i)] = host_values(*backend, p->slots[i]);
    }
    return all;
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
  std::unique_ptr<Trainer> trainer;
};

}  // namespace scnn::test
