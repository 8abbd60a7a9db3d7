#include "measure/deploy_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "core/cores.h"
#include "core/file.h"
#include "core/python.h"
#include "core/scratch_folder.h"
#include "export/calibrate.h"
#include "export/onnx.h"
#include "measure/bench_worker.h"
#include "report/assets.h"
#include "run/model_file.h"
#include "scnn/run/run.h"

namespace scnn {
namespace {

namespace fs = std::filesystem;

/// The experiment's network as it is before any training, with the same input and outputs.
PackedModel before_compression(const Experiment& experiment, const PackedModel& packed, Backend& backend) {
  Graph graph(experiment.model, backend);
  graph.initialize(experiment.seed);
  Dataset data;
  data.class_names = packed.class_names;
  data.normalization = packed.normalization;
  ExportOptions options;
  options.reals = RealForm::float32;
  return pack(graph, packed.name, data, options);
}

/// A network of one weight.
PackedModel smallest() {
  PackedModel model;
  model.network = {{"input", InputSpec{1, 1, 1}, {}, ""}, {"fc", LinearSpec{1, false}, {0}, ""}};
  model.sets = {ChannelSet(1), ChannelSet(1)};
  model.layers.resize(2);
  model.affines.resize(2);
  model.layers[1].shape = {1, 1, 1, 1};
  model.layers[1].weights = {1};
  return model;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// One row in the making.
struct Contender {
  DeployRow row;
  std::string file;
  bool onnx = false, reference = false;
  std::unique_ptr<BenchWorker> worker;
  std::vector<double> load, latency, batch;
};

class Bench {
 public:
  explicit Bench(const DeployBenchOptions& options)
      : options_(options), python_(python_with("numpy, onnxruntime")), backend_(make_backend(DeviceOptions{"cpu", 0})) {
    result_.cpu = processor_name();
    result_.rounds = options.rounds;
  }

  DeployBench run(const std::vector<std::string>& models) {
    measure_a_call();
    for (const std::string& model : models) measure(model);
    return std::move(result_);
  }

 private:
  std::unique_ptr<BenchWorker> start(const std::string& name, const std::string& file, bool onnx, int threads) const {
    std::vector<std::string> command =
        onnx ? std::vector<std::string>{python_, "-c", std::string(onnx_deploy_py())} : options_.runtime;
    command.insert(command.end(), {file, std::to_string(threads)});
    return std::make_unique<BenchWorker>(name, command);
  }

  void measure_a_call() {
    if (python_.empty()) return;
    const std::string file = folder_ / "smallest.onnx";
    write_file(file, encode_onnx(smallest(), {}).bytes);
    const auto worker = start("ONNX Runtime", file, true, 1);
    static_cast<void>(worker->load());
    std::vector<double> seconds;
    for (int round = 0; round < options_.rounds; ++round) seconds.push_back(worker->run(1, options_.seconds));
    result_.call_seconds = median(seconds);
  }

  /// The model with activations of bytes, calibrated now where it was not.  Returns why there is none.
  std::string write_bytes(const ModelFile& file, PackedModel model, const std::string& to) {
    constexpr std::int64_t images = 256;
    try {
      if (model.activations.empty() && !file.experiment)
        return "it is not calibrated, and there is no run around the file";
      if (model.activations.empty()) {
        const Dataset data = load_dataset(file.experiment->data, file.experiment->seed);
        calibrate(model, *backend_, calibration_images(model, data, images));
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::data) throw;
      return error.what();
    }
    write_file(to, encode(model));
    return "";
  }

  /// The model's file in each form, and a contender for each of them and each number of threads.
  std::vector<Contender> contenders(const std::string& path) {
    const std::string stem = folder_ / std::to_string(++models_);
    const ModelFile file = open_model(path, true);
    PackedModel packed = packed_model(file, *backend_);
    const std::string floats_only = write_bytes(file, packed, stem + ".bytes.scnn");
    packed.activations.clear();
    write_file(stem + ".scnn", encode(packed));
    const OnnxFile exported = encode_onnx(packed, {});
    write_file(stem + ".onnx", exported.bytes);
    const bool integers = std::ranges::any_of(exported.weights, [](const OnnxWeights& w) { return w.form == "int8"; });
    std::string lacking;
    if (!file.experiment) {
      lacking = "there is no run around the file, which would name the network before compression";
    } else {
      const PackedModel before = before_compression(*file.experiment, packed, *backend_);
      write_file(stem + ".before.onnx", encode_onnx(before, {}).bytes);
    }
    const fs::path given = fs::path(path).lexically_normal();
    const std::string label = fs::is_directory(given) && !packed.name.empty() ? packed.name : given.stem().string();
    std::vector<Contender> all;
    for (const int threads : options_.threads) {
      const auto add = [&](const std::string& engine, const char* name, bool onnx, const std::string& missing) {
        Contender& one = all.emplace_back();
        one.row.model = label;
        one.row.engine = engine;
        one.row.threads = threads;
        one.row.missing = missing;
        one.file = stem + name;
        one.onnx = onnx;
        if (fs::exists(one.file)) one.row.file_bytes = static_cast<std::int64_t>(fs::file_size(one.file));
      };
      const std::string no_python =
          python_.empty() ? "no ONNX Runtime here: `tools/setup --with-onnx` installs it" : "";
      add("scnn runtime", ".scnn", false, "");
      add("scnn runtime, bytes", ".bytes.scnn", false, floats_only);
      add(integers ? "ONNX Runtime, int8" : "ONNX Runtime", ".onnx", true, no_python);
      add("ONNX Runtime, before", ".before.onnx", true, lacking.empty() ? no_python : lacking);
      all.back().reference = true;
    }
    return all;
  }

  void measure(const std::string& path) {
    if (options_.progress) options_.progress(path);
    std::vector<Contender> all = contenders(path);
    std::vector<Contender*> running;
    for (Contender& one : all) {
      if (!one.row.missing.empty()) continue;
      one.worker = start(one.row.engine, one.file, one.onnx, one.row.threads);
      one.row.memory_bytes = one.worker->memory();
      running.push_back(&one);
    }
    // Neighbours in time are what is compared; every other round goes the other way.
    for (int round = 0; round < options_.rounds; ++round) {
      for (Contender* one : running) one->load.push_back(one->worker->load());
      for (Contender* one : running) one->latency.push_back(one->worker->run(1, options_.seconds));
      for (Contender* one : running) one->batch.push_back(one->worker->run(64, options_.seconds));
      std::ranges::reverse(running);
    }
    for (Contender* one : running) {
      one->row.load_seconds = median(one->load);
      one->row.latency = median(one->latency);
      one->row.batch_seconds = median(one->batch);
      const auto reference = std::ranges::find_if(
          running, [&](const Contender* other) { return other->reference && other->row.threads == one->row.threads; });
      if (reference == running.end()) continue;
      const auto ratio = [](const std::vector<double>& theirs, const std::vector<double>& ours) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(theirs[i] / ours[i]);
        return median(ratios);
      };
      one->row.faster_latency = ratio((*reference)->latency, one->latency);
      one->row.faster_batch = ratio((*reference)->batch, one->batch);
    }
    for (Contender& one : all) result_.rows.push_back(std::move(one.row));
  }

  const DeployBenchOptions& options_;
  std::string python_;
  std::unique_ptr<Backend> backend_;
  ScratchFolder folder_;
  int models_ = 0;
  DeployBench result_;
};

}  // namespace

DeployBench bench_deploy(const std::vector<std::string>& models, const DeployBenchOptions& options) {
  return Bench(options).run(models);
}

}  // namespace scnn
