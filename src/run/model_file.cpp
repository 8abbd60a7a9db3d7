#include "run/model_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/file.h"
#include "record/run_folder.h"
#include "scnn/compress/quantizer.h"
#include "settings/load.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

bool is_safetensors(const fs::path& path) { return path.extension() == ".safetensors"; }

ModelFile open_file(const fs::path& path) {
  ModelFile file;
  file.path = path;
  file.bytes = static_cast<std::int64_t>(fs::file_size(path));
  if (path.extension() == ".yaml" || path.extension() == ".yml") {
    throw Error(ErrorKind::usage, path.string() +
                                      " is an experiment, not a model; look at it with scnn validate or "
                                      "scnn run --dry-run");
  }
  if (is_safetensors(path)) {
    file.kind = ModelKind::checkpoint;
    file.checkpoint = read_checkpoint(path);
    file.experiment = experiment_of(*file.checkpoint);
    return file;
  }
  file.packed = decode(read_file(path, ErrorKind::checkpoint), path.string());
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (RunFolder::is_run(folder)) {
    RunExperiment run = experiment_of_run(folder);
    if (!run.warning.empty()) spdlog::warn("{}", run.warning);
    file.experiment = std::move(run.experiment);
  }
  return file;
}

}  // namespace

Experiment experiment_of(const Checkpoint& checkpoint, std::span<const std::string> overrides) {
  try {
    return config::parse_with(checkpoint.file.metadata.at("config"), "configuration in " + checkpoint.path.string(),
                              overrides);
  } catch (const Error& error) {
    throw Error(
        ErrorKind::checkpoint,
        fmt::format("{}\n\n{}: the configuration in it cannot be read: use another checkpoint, or the version of "
                    "scnn that wrote it",
                    error.what(), checkpoint.path.string()));
  }
}

RunExperiment experiment_of_run(const fs::path& folder, std::span<const std::string> overrides) {
  const fs::path file = folder / "config.yaml";
  try {
    return {load_experiment(file, overrides), ""};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::experiment) throw;
    if (!overrides.empty() && experiment_of_run(folder).warning.empty()) throw;  // the mistake is in the overrides
    const std::string mistakes = error.what();
    std::vector<std::string> ignored;
    const auto checkpoint = CheckpointFolder(folder / "checkpoints").newest(ignored);
    if (!checkpoint) {
      throw Error(ErrorKind::checkpoint,
                  fmt::format("{}\n\n{} is damaged, and there is no checkpoint that holds a copy: mend what is shown "
                              "above, or start anew from the experiment's own file",
                              mistakes, file.string()));
    }
    std::string warning = fmt::format("{} is damaged: going by the copy in {}; its first mistake:\n{}", file.string(),
                                      checkpoint->path.string(), mistakes.substr(0, mistakes.find("\n\n")));
    return {experiment_of(*checkpoint, overrides), std::move(warning)};
  }
}

ModelFile open_model(const fs::path& path, bool prefer_checkpoint) {
  std::error_code code;
  if (!fs::exists(path, code)) {
    throw Error(ErrorKind::usage, fmt::format("{} does not exist; give a run folder, a checkpoint (.safetensors) or a "
                                              "packed model (.scnn)",
                                              path.string()));
  }
  if (!fs::is_directory(path, code)) return open_file(path);
  const RunFolder folder = RunFolder::open(path);
  std::vector<std::string> warnings;
  const bool packed = fs::exists(folder.file("model.scnn"), code);
  if (packed && !prefer_checkpoint) return open_file(folder.file("model.scnn"));
  const auto checkpoint = CheckpointFolder(folder.checkpoints()).newest(warnings);
  if (checkpoint || packed) {
    for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  }
  if (checkpoint) return open_file(checkpoint->path);
  if (packed) return open_file(folder.file("model.scnn"));
  std::string why;
  for (const std::string& warning : warnings) why += "; " + warning;
  throw Error(warnings.empty() ? ErrorKind::usage : ErrorKind::checkpoint,
              fmt::format("{} holds no model yet: no model.scnn and no usable checkpoint{}", path.string(), why));
}

RestoredModel restore_model(const ModelFile& file, Backend& backend) {
  auto graph = std::make_unique<Graph>(file.experiment.value().model, backend);
  const SizeMeter meter(*graph);
  attach_quantizers(*graph, file.experiment->compression);
  restore(file.checkpoint.value(), *graph);
  return {std::move(graph), meter};
}

PackedModel packed_model(const ModelFile& file, Backend& backend, std::vector<float>* probe) {
  if (!file.checkpoint) {
    if (probe != nullptr) *probe = probe_logits(*unpack(*file.packed, backend));
    return *file.packed;
  }
  const Dataset data = load_dataset(file.experiment->data, file.experiment->seed);
  const RestoredModel restored = restore_model(file, backend);
  if (probe != nullptr) *probe = probe_logits(*restored.graph);
  return pack(*restored.graph, file.experiment->name, data, file.experiment->exporting);
}

}  // namespace scnn
