#include "run/initial_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "core/glob.h"
#include "core/settings_error.h"
#include "run/weight_file.h"
#include "scnn/backend/host_copy.h"
#include "scnn/nn/graph.h"
#include "settings/check.h"

namespace scnn {
namespace {

/// What each '*' of `pattern` stands for in `name`, the earlier ones as short as can be; nothing where it does not
/// match.
std::optional<std::vector<std::string>> captures(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name ? std::optional(std::vector<std::string>{}) : std::nullopt;
  if (name.substr(0, star) != pattern.substr(0, star)) return std::nullopt;
  name.remove_prefix(std::min(star, name.size()));
  pattern.remove_prefix(star + 1);
  for (std::size_t length = 0; length <= name.size(); ++length) {
    if (auto rest = captures(pattern, name.substr(length))) {
      rest->insert(rest->begin(), std::string(name.substr(0, length)));
      return rest;
    }
  }
  return std::nullopt;
}

/// `pattern` with its '*'s replaced, in order.
std::string filled(std::string_view pattern, const std::vector<std::string>& values) {
  std::string text;
  std::size_t next = 0;
  for (const char c : pattern) {
    if (c == '*' && next < values.size()) {
      text += values[next++];
    } else {
      text += c;
    }
  }
  return text;
}

std::pair<std::string, std::string> module_and_role(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? std::pair{name, std::string()}
                                  : std::pair{name.substr(0, dot), name.substr(dot + 1)};
}

/// What a rule makes of a tensor's name.
std::optional<std::string> renamed(const WeightRule& rule, const std::string& name) {
  if (const auto whole = captures(rule.from, name)) return filled(rule.to, *whole);
  const auto [module, role] = module_and_role(name);
  if (const auto part = captures(rule.from, module)) return filled(rule.to, *part) + "." + role;
  return std::nullopt;
}

/// Moves axes of a tensor in PyTorch's order: [o, c, h, w], or [o, c * h * w], to [o, h, w, c].  False where it is no
/// such thing.
bool from_pytorch(const FileTensor& from, const Shape& shape, std::span<float> out) {
  if (shape.rank() != 4) {
    if (!std::ranges::equal(from.shape, shape.extents())) return false;
    std::ranges::copy(from.values, out.begin());
    return true;
  }
  const std::int64_t o = shape[0], h = shape[1], w = shape[2], c = shape[3];
  const bool image = from.shape == std::vector<std::int64_t>{o, c, h, w};
  const bool rows = from.shape == std::vector<std::int64_t>{o, c * h * w};
  if (!image && !rows) return false;
  std::size_t at = 0;
  for (std::int64_t i = 0; i < o; ++i) {
    for (std::int64_t y = 0; y < h; ++y) {
      for (std::int64_t x = 0; x < w; ++x) {
        for (std::int64_t k = 0; k < c; ++k)
          out[at++] = from.values[static_cast<std::size_t>(((i * c + k) * h + y) * w + x)];
      }
    }
  }
  return true;
}

/// The shape that PyTorch would have.
std::string expected(const Parameter& parameter, WeightLayout layout) {
  const Shape& shape = parameter.value.shape();
  if (layout == WeightLayout::scnn || shape.rank() != 4) return shape.str();
  const std::int64_t columns = shape[1] * shape[2] * shape[3];
  return fmt::format("[{}, {}, {}, {}] or [{}, {}]", shape[0], shape[3], shape[1], shape[2], shape[0], columns);
}

/// Names of a checkpoint, an export or training that are no weights.
bool is_other(const std::string& name, WeightLayout layout) {
  static const std::vector<std::string> ours = {"optim.*",    "pull.*",     "channels.*", "*.scales",
                                                "*.integers", "input.mean", "input.std"};
  if (module_and_role(name).second == "num_batches_tracked") return true;
  if (layout != WeightLayout::scnn) return false;
  const std::optional<ParameterRole> role = role_in_name(name);
  return glob_match(ours, name) || (role && belongs_to_quantizer(*role));
}

class Loader {
 public:
  Loader(const InitialWeights& init, Graph& graph) : init_(init), graph_(graph), tensors_(read_weight_file(init.from)) {
    for (Graph::Node& node : graph.nodes()) {
      for (Parameter* parameter : node.layer->parameters()) parameters_[parameter->name] = parameter;
      if (std::holds_alternative<BatchNormSpec>(node.spec.options)) norms_.insert(node.spec.name);
    }
    strip_common_prefix();
  }

  void load() {
    match();
    std::map<Parameter*, Tensor> values;
    for (const auto& [name, parameter] : parameters_) {
      const auto found = sources_.find(name);
      if (skipped(name)) continue;
      if (found == sources_.end()) {
        if (parameter->role != ParameterRole::frozen_channels)
          missing_.push_back(fmt::format("{} {}", name, expected(*parameter, init_.layout)));
        continue;
      }
      if (auto value = convert(*found->second, *parameter)) values.emplace(parameter, std::move(*value));
    }
    refuse();
    for (auto& [parameter, value] : values) graph_.backend().copy(value, parameter->value);
  }

 private:
  [[nodiscard]] bool skipped(const std::string& name) const { return glob_match(init_.skip, name); }

  /// "module." of DataParallel, "model." of our checkpoints: where all names begin with it.
  void strip_common_prefix() {
    for (const std::string prefix : {"module.", "model.", "state_dict."}) {
      const auto weights = [&](const FileTensor& tensor) { return !is_other(tensor.name, init_.layout); };
      const auto begins = [&](const FileTensor& tensor) { return !weights(tensor) || tensor.name.starts_with(prefix); };
      if (!std::ranges::all_of(tensors_, begins)) continue;
      for (FileTensor& tensor : tensors_) {
        if (weights(tensor)) tensor.name.erase(0, prefix.size());
      }
      prefix_ += prefix;
    }
  }

  /// The parameter that a name of the file is for, in our words.
  std::string target(const std::string& name) {
    std::string to = name;
    for (std::size_t i = 0; i < init_.map.size(); ++i) {
      auto made = renamed(init_.map[i], name);
      if (!made && !prefix_.empty()) made = renamed(init_.map[i], prefix_ + name);
      if (made) {
        used_.insert(i);
        to = *made;
        break;
      }
    }
    if (init_.layout == WeightLayout::scnn) return to;
    const auto [layer, role] = module_and_role(to);
    if (norms_.contains(layer) && role == "weight") return layer + ".scale";
    if (norms_.contains(layer) && role == "bias") return layer + ".shift";
    return to;
  }

  void match() {
    for (const FileTensor& tensor : tensors_) {
      if (is_other(tensor.name, init_.layout)) continue;
      const std::string to = target(tensor.name);
      if (skipped(to)) continue;
      if (!parameters_.contains(to)) {
        const std::string meant = to == tensor.name ? "" : fmt::format(" (as {})", to);
        left_.push_back(fmt::format("{} {}{}", tensor.name, tensor.shape_text(), meant));
      } else if (const auto [first, added] = sources_.emplace(to, &tensor); !added) {
        wrong_.push_back(fmt::format("{} and {} are both for {}", first->second->name, tensor.name, to));
      }
    }
    for (std::size_t i = 0; i < init_.map.size(); ++i) {
      if (!used_.contains(i)) wrong_.push_back(fmt::format("map: no tensor of the file fits '{}'", init_.map[i].from));
    }
    for (const std::string& pattern : init_.skip) {
      if (std::ranges::none_of(parameters_, [&](const auto& entry) { return glob_match(pattern, entry.first); })) {
        wrong_.push_back(fmt::format("skip: no parameter fits '{}'", pattern));
      }
    }
  }

  std::optional<Tensor> convert(const FileTensor& from, const Parameter& parameter) {
    const auto complain = [&](const std::string& what) {
      wrong_.push_back(fmt::format("{} for {} {}", from.name, parameter.name, what));
      return std::nullopt;
    };
    const Shape& shape = parameter.value.shape();
    Tensor value = Tensor::host(shape);
    const bool fits = init_.layout == WeightLayout::pytorch ? from_pytorch(from, shape, value.values<float>())
                                                            : std::ranges::equal(from.shape, shape.extents());
    if (!fits) return complain(fmt::format("is {}, expected {}", from.shape_text(), expected(parameter, init_.layout)));
    if (init_.layout == WeightLayout::scnn) std::ranges::copy(from.values, value.data<float>());
    for (const float v : value.values<float>()) {
      if (!std::isfinite(v)) return complain("holds a value that is no finite number");
      if (v < 0 && parameter.role == ParameterRole::running_variance) return complain("holds a negative variance");
    }
    return value;
  }

  void refuse() const {
    std::string text;
    const auto list = [&](const std::string& title, const std::vector<std::string>& items) {
      constexpr std::size_t most = 20;
      if (items.empty()) return;
      text += "\n  " + title;
      for (std::size_t i = 0; i < items.size() && i < most; ++i) text += "\n    " + items[i];
      if (items.size() > most) text += fmt::format("\n    and {} more", items.size() - most);
    };
    list("wrong:", wrong_);
    list("missing in the file:", missing_);
    list("left over in the file:", left_);
    if (text.empty()) return;
    // What an export has and a checkpoint has not.
    const bool exported = std::ranges::any_of(tensors_, [](const FileTensor& tensor) {
      return tensor.name == "input.mean" || module_and_role(tensor.name).second == "scales" ||
             role_in_name(tensor.name) == ParameterRole::factor;
    });
    if (init_.layout == WeightLayout::scnn && !wrong_.empty()) {
      text += "\na run that removed channels no longer fits: take one of compression none, or a checkpoint from before";
    }
    text += exported && init_.layout == WeightLayout::scnn
                ? "\nexported arrays have batch norm folded in: take the run's checkpoint instead"
                : "\nname pairs in model.init.map, leave parameters random by model.init.skip, or change the network";
    throw SettingsError("model.init", fmt::format("{} does not fit the network:{}", init_.from, text));
  }

  const InitialWeights& init_;
  Graph& graph_;
  std::vector<FileTensor> tensors_;
  std::string prefix_;  ///< taken off all names
  std::map<std::string, Parameter*> parameters_;
  std::set<std::string> norms_;  ///< batch-norm layers
  std::map<std::string, const FileTensor*> sources_;
  std::set<std::size_t> used_;
  std::vector<std::string> wrong_, missing_, left_;
};

}  // namespace

void load_initial_weights(const InitialWeights& init, Graph& graph) {
  if (!init.from.empty()) Loader(init, graph).load();
}

void check_initial_weights(const Experiment& experiment) {
  if (experiment.init.from.empty()) return;
  const std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  Graph graph(experiment.model, *backend);
  with_locations(experiment, [&] { load_initial_weights(experiment.init, graph); });
}

}  // namespace scnn
