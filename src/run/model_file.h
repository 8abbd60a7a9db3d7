#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scnn/compress/size_status.h"
#include "scnn/packed/packed.h"
#include "scnn/settings/experiment.h"
#include "scnn/train/checkpoint.h"

namespace scnn {

enum class ModelKind { packed, checkpoint };

/// What eval, export and inspect are pointed at: a packed model, a checkpoint, or a run, which stands for its
/// model.scnn or, while it has none, its newest checkpoint.
struct ModelFile {
  ModelKind kind = ModelKind::packed;
  std::filesystem::path path;
  std::int64_t bytes = 0;
  std::optional<PackedModel> packed;
  std::optional<Checkpoint> checkpoint;
  std::optional<Experiment> experiment;  ///< always with a checkpoint; with a packed model where its run is around it
};

/// Error(usage) where there is nothing at `path`, Error(checkpoint) where it is damaged or neither of the three.
[[nodiscard]] ModelFile open_model(const std::filesystem::path& path, bool prefer_checkpoint = false);

/// The experiment that a checkpoint carries.  Error(checkpoint) where this program cannot read it.
[[nodiscard]] Experiment experiment_of(const Checkpoint& checkpoint, std::span<const std::string> overrides = {});

/// What the run in `folder` was made of.  Where its config.yaml is damaged, that is the copy in its newest checkpoint,
/// and `warning` says so.  Error(checkpoint) with the remedy where there is none either.  `overrides` as for
/// load_experiment.
struct RunExperiment {
  Experiment experiment;
  std::string warning;
};
[[nodiscard]] RunExperiment experiment_of_run(const std::filesystem::path& folder,
                                              std::span<const std::string> overrides = {});

/// A graph in the state of a checkpoint, its channels removed and its quantizers attached.
struct RestoredModel {
  std::unique_ptr<Graph> graph;
  SizeMeter meter;  ///< against the network before training
};
[[nodiscard]] RestoredModel restore_model(const ModelFile& file, Backend& backend);

/// The packed model that `file` is, or that its checkpoint's network comes to.  `probe`, where it is not null, gets the
/// logits (probe_logits) of the network before it was packed.
[[nodiscard]] PackedModel packed_model(const ModelFile& file, Backend& backend, std::vector<float>* probe = nullptr);

}  // namespace scnn
