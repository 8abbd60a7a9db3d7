#include "scnn/experiment/model_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "scnn/compress/quantizer.h"
#include "scnn/core/file.h"
#include "scnn/experiment/run_folder.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

/// The experiment that a checkpoint carries as text.  The reader takes files, so the text becomes one for a moment.
Experiment experiment_of(const Checkpoint& checkpoint) {
  std::string folder = (fs::temp_directory_path() / "scnn-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    throw Error(ErrorKind::run_folder,
                "cannot make a folder in " + fs::temp_directory_path().string() + "; set TMPDIR");
  }
  struct Remove {
    fs::path path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } remove{folder};
  const fs::path file = fs::path(folder) / "config.yaml";
  write_file(file, checkpoint.file.metadata.at("config"));
  return load_experiment(file);
}

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
  if (RunFolder::is_run(folder)) file.experiment = load_experiment(folder / "config.yaml");
  return file;
}

}  // namespace

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

}  // namespace scnn
