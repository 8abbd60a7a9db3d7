#include "run/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "config/yaml.h"
#include "record/records.h"
#include "report/report.h"
#include "run/model_file.h"
#include "run/network_table.h"
#include "scnn/record/console.h"
#include "scnn/run/run.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

using config::Kind;
using config::Node;

using Figures = std::vector<std::pair<std::string, double>>;

/// Every value under its path; layers by their name, other lists as a whole.
void flatten(const Node& node, const std::string& path, std::map<std::string, std::string>& out) {
  const auto child = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (node.kind == Kind::map) {
    for (const config::Entry& entry : node.entries) flatten(entry.value, child(entry.key), out);
    return;
  }
  if (node.kind == Kind::sequence && path == "model.layers") {
    for (const Node& layer : node.items) {
      const Node* name = layer.find("name");
      if (name != nullptr) flatten(layer, child(name->text), out);
    }
    return;
  }
  out[path] = emit_flow(node);
}

std::map<std::string, std::string> settings_of(const Experiment& experiment) {
  config::Diagnostics diagnostics;
  std::map<std::string, std::string> out;
  flatten(parse_yaml(experiment.yaml, std::make_shared<config::Source>(), diagnostics), "", out);
  diagnostics.raise();
  return out;
}

void add_size(const SizeStatus& size, Figures& out) {
  out.emplace_back("live_weights", size.live_weights);
  out.emplace_back("live_channels", size.live_channels);
  out.emplace_back("learned_bits", size.learned_bits);
  out.emplace_back("packed_bits", size.packed_bits);
  out.emplace_back("macs", size.macs);
}

Figures metrics_of(const ReportRun& run) {
  Figures out;
  const auto& epochs = run.history.epochs;
  if (run.result) {
    out.emplace_back("test_top1", run.result->test.top1);
    out.emplace_back("test_loss", run.result->test.loss);
    out.emplace_back("file_bytes", run.result->file_bytes);
  }
  if (!epochs.empty()) {
    const EpochRecord& last = epochs.back();
    out.emplace_back("epochs", last.epoch);
    out.emplace_back("train_loss", last.train_loss);
    out.emplace_back("train_top1", last.train_top1);
    if (last.evaluation && last.evaluation_split == "validation") {
      out.emplace_back("validation_top1", last.evaluation->top1);
    }
    add_size(last.size, out);
  }
  double removed = 0, seconds = 0;
  for (const RemovalRecord& removal : run.history.removals) removed += removal.channels;
  for (const EpochRecord& epoch : epochs) seconds += epoch.train_seconds;
  out.emplace_back("channels_removed", removed);
  out.emplace_back("train_seconds", seconds);
  return out;
}

Figures metrics_of(const ModelFile& file) {
  Figures out;
  if (!file.checkpoint) {
    out.emplace_back("file_bytes", file.bytes);  // a checkpoint's bytes are another figure
    return out;
  }
  const Json state = Json::parse(file.checkpoint->file.metadata.at("state"), nullptr, false);
  if (state.is_object() && state.contains("step")) out.emplace_back("step", state["step"].get<double>());
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  const RestoredModel restored = restore_model(file, *backend);
  add_size(restored.meter.total(*restored.graph, restored.meter.layers(*restored.graph)), out);
  return out;
}

std::string shown(const std::optional<std::string>& value) { return value.value_or("-"); }

/// Whole numbers with their thousands, shares and losses with four digits.
std::string shown(const std::optional<double>& value, bool sign = false) {
  if (!value) return "-";
  const bool whole = std::abs(*value) >= 1000 || std::floor(*value) == *value;
  const std::string text = whole ? grouped(std::llround(*value)) : fmt::format("{:.4f}", *value);
  return sign && *value > 0 ? "+" + text : text;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }
Json or_null(const std::optional<std::string>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

Comparable load_comparable(const fs::path& path) {
  if (fs::is_directory(path)) {
    const ReportRun run = load_report_run(path);
    return {path.string(), settings_of(experiment_of_run(run.path).experiment), metrics_of(run)};
  }
  const ModelFile file = open_model(path);
  if (!file.experiment) {
    throw Error(ErrorKind::usage,
                path.string() + " stands in no run, and a packed model alone does not tell its settings; name the run");
  }
  return {path.string(), settings_of(*file.experiment), metrics_of(file)};
}

Comparison compare(const Comparable& a, const Comparable& b) {
  Comparison out{a.name, b.name, {}, {}};
  std::set<std::string> keys;
  for (const auto& [key, value] : a.settings) keys.insert(key);
  for (const auto& [key, value] : b.settings) keys.insert(key);
  const auto setting = [](const Comparable& of, const std::string& key) {
    const auto found = of.settings.find(key);
    return found == of.settings.end() ? std::nullopt : std::optional(found->second);
  };
  for (const std::string& key : keys) {
    const auto in_a = setting(a, key), in_b = setting(b, key);
    if (in_a != in_b) out.settings.push_back({key, in_a, in_b});
  }
  for (const auto& [name, value] : a.metrics) out.metrics.push_back({name, value, std::nullopt});
  for (const auto& [name, value] : b.metrics) {
    const auto found = std::find_if(out.metrics.begin(), out.metrics.end(),
                                    [&name = name](const Comparison::Metric& metric) { return metric.name == name; });
    if (found != out.metrics.end()) {
      found->b = value;
    } else {
      out.metrics.push_back({name, std::nullopt, value});
    }
  }
  return out;
}

std::string comparison_text(const Comparison& comparison) {
  std::string out = fmt::format("a  {}\nb  {}\n\n", comparison.a, comparison.b);
  if (comparison.settings.empty()) {
    out += "all settings are equal\n";
  } else {
    std::vector<std::vector<std::string>> table = {{"setting", "a", "b"}};
    for (const auto& one : comparison.settings) table.push_back({one.key, shown(one.a), shown(one.b)});
    out += text_table(table);
  }
  std::vector<std::vector<std::string>> table = {{"metric", "a", "b", "b - a"}};
  for (const auto& one : comparison.metrics) {
    const auto difference = one.a && one.b ? std::optional(*one.b - *one.a) : std::nullopt;
    table.push_back({one.name, shown(one.a), shown(one.b), shown(difference, true)});
  }
  return out + "\n" + text_table(table);
}

std::string comparison_json(const Comparison& comparison) {
  Json json = {{"a", comparison.a}, {"b", comparison.b}, {"settings", Json::object()}, {"metrics", Json::object()}};
  for (const auto& one : comparison.settings) {
    json["settings"][one.key] = {{"a", or_null(one.a)}, {"b", or_null(one.b)}};
  }
  for (const auto& one : comparison.metrics) {
    json["metrics"][one.name] = {{"a", or_null(one.a)}, {"b", or_null(one.b)}};
  }
  return dump(json, 2) + "\n";
}

}  // namespace scnn
