#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/file.h"
#include "record/recorder.h"
#include "record/run_folder.h"
#include "scnn/record/result.h"
#include "temporary_folder.h"

namespace scnn::test {

inline Experiment fake_experiment(const std::string& name = "fake") {
  Experiment experiment;
  experiment.name = name;
  experiment.seed = 3;
  experiment.yaml = "version: 1\nname: " + name + "\n";
  return experiment;
}

/// A layer of which `channels` are alive, each with its bits.
inline LayerStatus fake_layer(const std::string& name, std::int32_t original, std::vector<std::int32_t> channels,
                              std::vector<float> bits) {
  LayerStatus layer;
  layer.layer = name;
  layer.original_channels = original;
  layer.channels = std::move(channels);
  layer.bits = std::move(bits);
  return layer;
}

/// Observer calls as a training of `epochs` epochs of 10 steps would make them: sizes fall, accuracy rises.
inline void play(TrainObserver& observer, std::int64_t epochs, double strength = 1.0, std::int64_t first_epoch = 0) {
  struct Start {
    const char* name;
    int channels;
    int inputs;
  };
  const std::vector<Start> starts = {{"conv1", 32, 9}, {"conv2", 64, 288}, {"block.conv_a", 64, 576}, {"fc", 10, 1024}};
  observer.on_start(first_epoch * 10, epochs * 10);
  for (std::int64_t epoch = first_epoch + 1; epoch <= epochs; ++epoch) {
    for (std::int64_t step = (epoch - 1) * 10 + 1; step <= epoch * 10; ++step) {
      observer.on_step({epoch - 1, step, 2.0 / static_cast<double>(step), 5.0, 1000.0});
    }
    const double t = static_cast<double>(epoch) / static_cast<double>(epochs);
    std::vector<LayerStatus> layers;
    SizeStatus size;
    for (const Start& start : starts) {
      const bool last = start.channels == 10;
      const int live = last ? 10 : std::max(2, static_cast<int>(start.channels * (1.0 - 0.8 * strength * t)));
      LayerStatus l;
      l.layer = start.name;
      l.original_channels = start.channels;
      l.original_weights = std::int64_t{start.channels} * start.inputs;
      l.live_weights = std::int64_t{live} * start.inputs;
      for (int c = 0; c < live; ++c) {
        l.channels.push_back(c);
        l.bits.push_back(static_cast<float>(std::max(0.5, 8.0 - (4.5 + 0.1 * (c % 7)) * strength * t)));
        l.learned_bits += static_cast<double>(l.bits.back()) * start.inputs;
        l.packed_bits += static_cast<std::int64_t>(std::ceil(l.bits.back())) * start.inputs;
      }
      size.original_channels += start.channels;
      size.live_channels += live;
      size.original_weights += l.original_weights;
      size.live_weights += l.live_weights;
      size.learned_bits += l.learned_bits;
      size.packed_bits += l.packed_bits;
      layers.push_back(std::move(l));
    }
    size.macs = 1000000 * size.live_weights / size.original_weights;
    size.original_macs = 1000000;
    if (epoch > 1) observer.on_removal({epoch, epoch * 10, "conv2", static_cast<std::int32_t>(4 * strength), 1e-7});
    EpochRecord record;
    record.epoch = epoch;
    record.step = epoch * 10;
    record.train_loss = 1.5 / static_cast<double>(epoch);
    record.train_top1 = 0.93 - 0.3 / static_cast<double>(epoch);
    record.size_loss = 12.0 - 6.0 * t;
    record.gamma = 0.015;
    record.lr = 0.001;
    record.evaluation = Metrics{0.3, 0.91 - 0.25 / static_cast<double>(epoch), 5000};
    record.evaluation_split = "validation";
    record.size = size;
    record.train_seconds = 12.0 - 5.0 * strength * t;
    record.eval_seconds = 0.5;
    observer.on_epoch(record, layers);
  }
}

/// A finished run folder at `out`.
inline RunFolder fake_run(const std::filesystem::path& out, const Experiment& experiment, std::int64_t epochs = 6,
                          double strength = 1.0) {
  RunInfo info;
  info.command = "scnn run " + experiment.name + ".yaml";
  info.version = "0.1.0";
  info.device = "cpu";
  RunFolder folder = RunFolder::create(experiment, info, out);
  {
    RunRecorder recorder(folder, LoggingOptions{});
    play(recorder, epochs, strength);
  }
  const RunHistory history = read_history(folder.path());
  RunResult result;
  result.run = folder.path().string();
  result.device = "cpu";
  result.seed = experiment.seed;
  result.test = {0.29, 0.905 - 0.01 * strength, 10000};
  result.size = history.epochs.back().size;
  result.file_bytes = result.size.packed_bits / 8 + 900;
  for (const EpochRecord& epoch : history.epochs) {
    result.epoch_seconds.push_back(epoch.train_seconds);
    result.train_seconds += epoch.train_seconds;
    result.eval_seconds += epoch.eval_seconds;
  }
  result.removals = history.removals;
  write_file(folder.file("result.json"), result_json(result));
  folder.finish(RunState::done, 0);
  return folder;
}

/// The data that a report's page carries for its charts.
inline nlohmann::json page_data(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}
/// The figure of that name.
inline nlohmann::json page_figure(const std::string& page, const std::string& id) {
  const nlohmann::json data = page_data(page);
  for (const auto& figure : data["figures"]) {
    if (figure["id"] == id) return figure;
  }
  return nullptr;
}

}  // namespace scnn::test
