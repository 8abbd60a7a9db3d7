#include "scnn/train/checkpoint.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/file.h"
#include "core/json_problem.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

constexpr const char* format_name = "scnn-checkpoint-1";

Tensor to_host(Backend& backend, const Tensor& tensor) {
  Tensor host = Tensor::host(tensor.shape(), tensor.dtype());
  backend.copy(tensor, host);
  return host;
}

[[noreturn]] void damaged(const Checkpoint& checkpoint, const std::string& what) {
  throw Error(ErrorKind::checkpoint,
              checkpoint.path.string() + ": " + what +
                  "; the file does not fit its experiment or is damaged: use an earlier checkpoint");
}

const Tensor* find(const Checkpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.file.tensors.find(name);
  return found == checkpoint.file.tensors.end() ? nullptr : &found->second;
}

/// Copies tensor `name` into `to`, which has the shape it must have.
void load(const Checkpoint& checkpoint, const std::string& name, Backend& backend, Tensor& to) {
  const Tensor* from = find(checkpoint, name);
  if (from == nullptr) damaged(checkpoint, "tensor '" + name + "' is missing");
  if (!(from->shape() == to.shape()) || from->dtype() != to.dtype()) {
    damaged(checkpoint, "tensor '" + name + "' is " + from->shape().str() + " and should be " + to.shape().str());
  }
  backend.copy(*from, to);
}

/// Of all names and contents: what a damaged file cannot keep.
std::string content_hash(const Safetensors& file) {
  std::string digests;
  for (const auto& [name, tensor] : file.tensors) {
    const auto* bytes = static_cast<const std::byte*>(tensor.raw());
    digests += name + tensor.shape().str() + hex64(hash64({bytes, tensor.bytes()}));
  }
  for (const char* text : {"config", "state"}) digests += file.metadata.at(text);
  return hex64(hash64(std::as_bytes(std::span(digests))));
}

std::string layer_of_set(const Graph& graph, std::size_t set) {
  return graph.nodes()[static_cast<std::size_t>(graph.sets().entries[set].node)].spec.name;
}

std::string file_name(std::int64_t step) { return "step-" + std::to_string(step) + ".safetensors"; }

}  // namespace

Checkpoint capture(Graph& graph, const std::string& config, const std::string& state) {
  Checkpoint checkpoint;
  auto& tensors = checkpoint.file.tensors;
  Backend& backend = graph.backend();
  for (const Parameter* parameter : graph.parameters()) {
    tensors["model." + parameter->name] = to_host(backend, parameter->value);
    for (std::size_t i = 0; i < parameter->slots.size(); ++i) {
      tensors["optim." + parameter->name + "." + std::to_string(i)] = to_host(backend, parameter->slots[i]);
    }
    if (parameter->pull.defined()) tensors["pull." + parameter->name] = to_host(backend, parameter->pull);
  }
  for (std::size_t i = 0; i < graph.sets().entries.size(); ++i) {
    const ChannelSet& channels = graph.sets().entries[i].channels;
    tensors["channels." + layer_of_set(graph, i)] = Tensor::of(Shape{channels.size()}, channels.live());
  }
  checkpoint.file.metadata = {{"format", format_name}, {"config", config}, {"state", state}};
  checkpoint.file.metadata["xxh3"] = content_hash(checkpoint.file);
  return checkpoint;
}

Checkpoint with_config(Checkpoint checkpoint, const std::string& config) {
  checkpoint.file.metadata["config"] = config;
  checkpoint.file.metadata["xxh3"] = content_hash(checkpoint.file);
  return checkpoint;
}

void restore(const Checkpoint& checkpoint, Graph& graph) {
  std::vector<ChannelSet> channels;
  for (std::size_t i = 0; i < graph.sets().entries.size(); ++i) {
    const std::string name = "channels." + layer_of_set(graph, i);
    const std::int32_t original = graph.sets().entries[i].channels.original();
    const Tensor* live = find(checkpoint, name);
    if (live == nullptr || live->dtype() != DType::int32) damaged(checkpoint, "tensor '" + name + "' is missing");
    std::vector<std::int32_t> list(live->values<std::int32_t>().begin(), live->values<std::int32_t>().end());
    for (std::size_t j = 0; j < list.size(); ++j) {
      if (list[j] < 0 || list[j] >= original || (j > 0 && list[j] <= list[j - 1])) {
        damaged(checkpoint,
                "tensor '" + name + "' is no increasing list of channels below " + std::to_string(original));
      }
    }
    channels.emplace_back(original, std::move(list));
  }
  graph.restrict_to(channels);
  Backend& backend = graph.backend();
  for (Parameter* parameter : graph.parameters()) {
    load(checkpoint, "model." + parameter->name, backend, parameter->value);
    for (std::size_t i = 0; i < parameter->slots.size(); ++i) {
      load(checkpoint, "optim." + parameter->name + "." + std::to_string(i), backend, parameter->slots[i]);
    }
    if (find(checkpoint, "pull." + parameter->name) != nullptr) {
      parameter->pull = backend.allocate(parameter->value.shape());
      load(checkpoint, "pull." + parameter->name, backend, parameter->pull);
    }
  }
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint{decode_safetensors(read_file(path, ErrorKind::checkpoint), path.string()), path};
  const auto& metadata = checkpoint.file.metadata;
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != format_name || !metadata.contains("config") ||
      !metadata.contains("state")) {
    throw Error(ErrorKind::checkpoint, path.string() + ": a safetensors file, but no checkpoint of this program");
  }
  const auto hash = metadata.find("xxh3");
  if (hash == metadata.end() || hash->second != content_hash(checkpoint.file)) {
    throw Error(ErrorKind::checkpoint,
                path.string() + " does not match its hash: it is damaged; use another checkpoint");
  }
  return checkpoint;
}

std::filesystem::path CheckpointFolder::save(const Checkpoint& checkpoint, std::int64_t step, std::int64_t keep_last) {
  std::vector<std::string> ignored;
  auto list = index(ignored);
  const std::vector<std::byte> bytes = encode_safetensors(checkpoint.file);
  const std::string name = file_name(step);
  std::filesystem::path path = folder_ / name;
  write_file(path, bytes);
  list[step] = {name, hex64(hash64(bytes))};

  // Later steps belong to a course that this run has left: it went on from an earlier checkpoint.
  list.erase(list.upper_bound(step), list.end());
  while (static_cast<std::int64_t>(list.size()) > keep_last) list.erase(list.begin());
  nlohmann::ordered_json json = {{"checkpoints", nlohmann::ordered_json::array()}};
  for (const auto& [at, entry] : list) {
    json["checkpoints"].push_back({{"step", at}, {"file", entry.first}, {"xxh3", entry.second}});
  }
  write_file(folder_ / "index.json", json.dump(1) + "\n");
  tidy();
  return path;
}

void CheckpointFolder::tidy() const {
  std::vector<std::string> ignored;
  const auto list = index(ignored);  // without an index, every file there is
  std::error_code code;
  for (const auto& [at, file] : files()) {
    if (!list.contains(at)) std::filesystem::remove(folder_ / file, code);
  }
  for (const auto& [at, file] : files(".tmp")) std::filesystem::remove(folder_ / file, code);
}

std::map<std::int64_t, std::string> CheckpointFolder::files(const std::string& suffix) const {
  std::map<std::int64_t, std::string> found;
  std::error_code code;
  for (std::filesystem::directory_iterator file(folder_, code), end; !code && file != end; file.increment(code)) {
    const std::string name = file->path().filename().string();
    std::int64_t step = 0;
    if (!name.starts_with("step-")) continue;
    const auto [rest, error] = std::from_chars(name.data() + 5, name.data() + name.size(), step);
    if (error == std::errc() && name == file_name(step) + suffix) found[step] = name;
  }
  return found;
}

std::map<std::int64_t, std::pair<std::string, std::string>> CheckpointFolder::index(
    std::vector<std::string>& warnings) const {
  std::map<std::int64_t, std::pair<std::string, std::string>> list;
  const std::filesystem::path path = folder_ / "index.json";
  std::error_code code;
  // Without an index the files are looked at themselves: each holds a hash of its own.
  const auto look = [&] {
    list.clear();
    for (const auto& [step, name] : files()) list[step] = {name, ""};
  };
  if (!std::filesystem::exists(path, code)) {
    look();
    if (!list.empty()) warnings.push_back(path.string() + " is missing; going by the checkpoint files themselves");
    return list;
  }
  try {
    const auto json = nlohmann::json::parse(read_text(path, ErrorKind::checkpoint));
    for (const auto& entry : json.at("checkpoints")) {
      list[entry.at("step").get<std::int64_t>()] = {entry.at("file").get<std::string>(),
                                                    entry.at("xxh3").get<std::string>()};
    }
  } catch (const std::exception& error) {
    warnings.push_back(path.string() + " is damaged (" + json_problem(error) +
                       "); going by the checkpoint files themselves");
    look();
  }
  return list;
}

std::optional<Checkpoint> CheckpointFolder::newest(std::vector<std::string>& warnings) const {
  const auto list = index(warnings);
  for (auto entry = list.rbegin(); entry != list.rend(); ++entry) {
    const auto& [name, hash] = entry->second;
    const std::filesystem::path path = folder_ / name;
    try {
      if (!hash.empty() && hex64(hash64(read_file(path, ErrorKind::checkpoint))) != hash) {
        throw Error(ErrorKind::checkpoint, path.string() + " does not match its hash");
      }
      return read_checkpoint(path);
    } catch (const Error& error) {
      warnings.push_back(std::string(error.what()) + "; looking for an earlier checkpoint");
    }
  }
  return std::nullopt;
}

}  // namespace scnn
