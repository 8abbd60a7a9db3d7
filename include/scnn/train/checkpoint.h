#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "scnn/core/safetensors.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// A moment of a run on disk: a safetensors file with `model.<parameter>`, `optim.<parameter>.<slot>`,
/// `pull.<parameter>`, `channels.<layer>` (original indices of every channel set, by the layer that makes it), and in
/// its metadata the experiment (`config`, YAML) and the trainer's state (`state`, JSON).
struct Checkpoint {
  Safetensors file;
  std::filesystem::path path;
};

/// Everything of the graph, and the two texts.
[[nodiscard]] Checkpoint capture(Graph& graph, const std::string& config, const std::string& state);
/// Puts a checkpoint's channels, parameters, slots and pulls into a graph that was built for its experiment, quantizers
/// attached, no channel removed.  Error(checkpoint) naming the tensor that is missing or does not fit.
void restore(const Checkpoint& checkpoint, Graph& graph);

/// The same moment for an experiment of other settings: `config` takes the place of its own.
[[nodiscard]] Checkpoint with_config(Checkpoint checkpoint, const std::string& config);

/// Error(checkpoint) where the file is damaged or no checkpoint.
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& path);

/// The folder `checkpoints/` of a run: step-N.safetensors and index.json, which is written last and holds each file's
/// hash.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes a checkpoint, then the index, then forgets all later steps and all but the newest `keep_last`.  Returns its
  /// path.
  std::filesystem::path save(const Checkpoint& checkpoint, std::int64_t step, std::int64_t keep_last);
  /// Removes what a kill left here: files that the index has forgotten, and half-written ones.
  void tidy() const;
  /// The newest file that is whole, or none.  Damaged newer ones are described in `warnings`.
  [[nodiscard]] std::optional<Checkpoint> newest(std::vector<std::string>& warnings) const;

 private:
  /// The files that are there, by step; with `suffix` ".tmp" those whose writing was cut off.
  [[nodiscard]] std::map<std::int64_t, std::string> files(const std::string& suffix = "") const;
  [[nodiscard]] std::map<std::int64_t, std::pair<std::string, std::string>> index(
      std::vector<std::string>& warnings) const;

  std::filesystem::path folder_;
};

}  // namespace scnn
