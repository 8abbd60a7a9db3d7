#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scnn/backend/backend.h"
#include "scnn/compress/options.h"
#include "scnn/core/conflicts.h"
#include "scnn/data/options.h"
#include "scnn/nn/spec.h"
#include "scnn/packed/options.h"
#include "scnn/settings/initial_weights.h"
#include "scnn/train/options.h"

namespace scnn {

namespace config {
struct SourceLocations;
}

struct DeviceOptions {
  std::string type = "auto";  ///< auto | cpu | cuda
  int threads = 0;            ///< 0: auto, every core this process may use
  Precision precision = Precision::fp32;
  ConvolutionPath convolution = ConvolutionPath::automatic;
  WeightQuantization weight_quantization = WeightQuantization::automatic;  ///< bf16 alone
  bool graphs = true;                                                      ///< a GPU replays training steps
};

/// Reports settings of the device that do not go together.
void check(const DeviceOptions& device, Conflicts& conflicts);

struct LoggingOptions {
  std::vector<std::string> sinks = {"console", "jsonl", "csv"};
};

/// A whole experiment with every default filled in: what a YAML file comes to.
struct Experiment {
  int version = 1;
  std::string name;
  std::uint64_t seed = 0;
  DeviceOptions device;
  DataOptions data;
  NetworkSpec model;  ///< blocks, residuals and model files expanded
  InitialWeights init;
  CompressionOptions compression;
  TrainOptions train;
  CheckpointOptions checkpoint;
  LoggingOptions logging;
  ExportOptions exporting;

  std::string yaml;  ///< the complete file: every default written out, itself a valid experiment
  std::shared_ptr<const config::SourceLocations> locations;  ///< where the settings were written, for later messages
};

/// Reads an experiment file strictly, with the files it extends, its model file, and `overrides` ("key.path=value", a
/// YAML scalar or flow value; a later one for the same key wins).  All mistakes are thrown as one Error(experiment),
/// each with file:line:column, the line, and the nearest known keys.  Shapes are left to
/// check_experiment.
[[nodiscard]] Experiment load_experiment(const std::filesystem::path& file,
                                         std::span<const std::string> overrides = {});
/// The complete file of an experiment, which reads back to the same settings.
[[nodiscard]] std::string write_experiment(const Experiment& experiment);
/// Reads a complete experiment (Experiment::yaml) that stands in no file of its own; `where` names it in messages.
[[nodiscard]] Experiment parse_experiment(const std::string& text, const std::string& where);

}  // namespace scnn
