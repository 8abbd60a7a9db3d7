#pragma once

#include <filesystem>

#include "scnn/run/run.h"
#include "scnn/train/trainer.h"

/// The network whose checkpoint and packed file the fuzzers begin with.
namespace scnn::test {

constexpr const char* tiny = R"(version: 1
name: tiny
device: {type: cpu, threads: 1}
data: {type: synthetic, train: 16, test: 8, height: 8, width: 8, classes: 2}
model:
  input: [1, 8, 8]
  layers:
    - {name: conv, type: conv2d, out: 3, kernel: 3, padding: same, bias: false}
    - {name: bn, type: batch_norm}
    - {type: relu}
    - {type: flatten}
    - {name: fc, type: linear, out: 2}
compression: {type: self_compress}
train: {epochs: 2, batch_size: 4}
)";

inline TrainerOptions tiny_options(const Experiment& experiment) {
  TrainerOptions options;
  options.train = experiment.train;
  options.compression = experiment.compression;
  options.config = experiment.yaml;
  return options;
}

/// Trains it; its checkpoints lie in `folder` then.
inline void train_tiny(RunComponents& parts, const Experiment& experiment, const std::filesystem::path& folder) {
  TrainObserver nobody;
  TrainerOptions options = tiny_options(experiment);
  options.checkpoint_folder = folder;
  std::filesystem::create_directories(folder);
  (void)Trainer(*parts.graph, parts.data, options, nobody).run();
}

}  // namespace scnn::test
