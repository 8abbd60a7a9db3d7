#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "config/document.h"
#include "config/renamed_keys.h"
#include "config/source_locations.h"
#include "settings/load.h"
#include "sweep/points.h"
#include "sweep/sweep.h"

namespace scnn {
namespace {

using namespace config;

std::string text_of(const Node& node) { return node.kind == Kind::scalar ? node.text : emit_flow(node); }

/// An override that every point replaces would be silently without effect.
void check_overrides(const std::vector<Candidate>& candidates, const Node& base, Diagnostics& diagnostics) {
  std::set<std::string> keys;
  for (const Candidate& candidate : candidates) {
    if (candidate.baseline) continue;
    for (const auto& leaf : leaves(candidate.tree)) keys.insert(leaf.first);
  }
  for (const std::string& key : keys) {
    const Node* node = find_at(base, key);
    if (!node || !node->place.source || !node->place.source->is_override) continue;
    diagnostics.add({Code::conflict, fmt::format("the sweep sets '{}' in its points: this would have no effect", key),
                     node->place, "sweep", fmt::format("to change the axis: sweep.axes.{}=[values]", key), ""});
  }
}

/// Where two candidates were told apart, though their settings are the same.
SourceLocation repeated_at(const Candidate& one, const Candidate& other) {
  SourceLocation place = one.tree.place;
  for (const auto& [key, value] : leaves(one.tree)) {
    const Node* theirs = find_at(other.tree, key);
    const bool same = theirs && theirs->place.source == value->place.source &&
                      theirs->place.line == value->place.line && theirs->place.column == value->place.column;
    if (!same) place = value->place;
  }
  return place;
}

std::string describe(const Candidate& candidate) {
  std::string text;
  for (const auto& [key, value] : leaves(candidate.tree))
    text += (text.empty() ? "" : ", ") + key + "=" + text_of(*value);
  return (candidate.baseline ? "the baseline " : "") + text;
}

/// Drops draws that repeat earlier settings; whoever wrote settings twice is told.
std::int64_t drop_repeated(std::vector<Candidate>& candidates, Diagnostics& diagnostics) {
  std::unordered_map<std::string, std::size_t> seen;
  std::vector<Candidate> kept;
  std::set<std::string> told;  // one value written twice repeats many runs
  std::int64_t repeated = 0;
  for (Candidate& one : candidates) {
    const auto [first, fresh] = seen.emplace(one.experiment.yaml, kept.size());
    if (fresh) {
      kept.push_back(std::move(one));
    } else if (one.drawn && !kept[first->second].baseline) {
      ++repeated;
    } else {
      const Candidate& earlier = kept[first->second];
      const SourceLocation place = repeated_at(one, earlier);
      if (!told.insert(place.str()).second) continue;
      diagnostics.add({Code::duplicate, fmt::format("{} is the same run as {}", describe(one), describe(earlier)),
                       place, "sweep", "every run is made once: remove one of the two", ""});
    }
  }
  candidates = std::move(kept);
  return repeated;
}

/// The same for runs that differ in their seed alone.
std::string row_of(const Candidate& candidate) {
  Node tree = candidate.tree;
  tree.erase("seed");
  return fmt::format("{} {}", candidate.baseline, emit_flow(tree));
}

/// The value of a key in a point: of its complete settings, or as written where those do not have it (parameters of a
/// model file).
std::string value_of(const std::string& key, const Candidate& candidate, const Node& complete) {
  const Node* node = find_at(complete, key);
  if (!node) node = find_at(candidate.document, key);
  return node ? text_of(*node) : "";
}

Node complete_tree(const Experiment& experiment) {
  auto source = std::make_shared<Source>();
  source->lines = split_lines(experiment.yaml);
  Diagnostics ignored;
  return parse_yaml(experiment.yaml, source, ignored);
}

SweepPlan gather(std::vector<Candidate> candidates) {
  SweepPlan plan;
  plan.name = candidates[0].experiment.name;
  for (const bool baseline : {false, true}) {
    for (const Candidate& candidate : candidates) {
      if (candidate.baseline != baseline) continue;
      for (const auto& leaf : leaves(candidate.tree)) {
        const bool known = std::find(plan.keys.begin(), plan.keys.end(), leaf.first) != plan.keys.end();
        if (leaf.first != "seed" && !known) plan.keys.push_back(leaf.first);
      }
    }
  }
  std::unordered_map<std::string, std::size_t> rows;
  for (Candidate& candidate : candidates) {
    const auto [row, fresh] = rows.emplace(row_of(candidate), plan.points.size());
    if (fresh) {
      SweepPoint point;
      point.baseline = candidate.baseline;
      const Node complete = complete_tree(candidate.experiment);
      for (const std::string& key : plan.keys) point.values.push_back(value_of(key, candidate, complete));
      plan.points.push_back(std::move(point));
    }
    plan.points[row->second].runs.push_back({"", std::move(candidate.experiment)});
  }
  const std::size_t first = plan.points[0].baseline ? 0 : 1;
  const std::size_t digits = std::max<std::size_t>(3, std::to_string(plan.points.size()).size());
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const std::string point = plan.points[i].baseline ? "baseline" : fmt::format("p{:0{}}", i + first, digits);
    for (SweepRun& run : plan.points[i].runs) run.name = fmt::format("{}-seed{}", point, run.experiment.seed);
  }
  return plan;
}

}  // namespace

std::size_t SweepPlan::runs() const {
  std::size_t total = 0;
  for (const SweepPoint& point : points) total += point.runs.size();
  return total;
}

std::string point_label(const SweepPlan& plan, const SweepPoint& point) {
  if (point.baseline) return "baseline";
  const bool alone = std::count_if(plan.points.begin(), plan.points.end(),
                                   [](const SweepPoint& other) { return !other.baseline; }) == 1;
  std::string text;
  for (std::size_t i = 0; i < plan.keys.size(); ++i) {
    const bool differs = std::any_of(plan.points.begin(), plan.points.end(), [&](const SweepPoint& other) {
      return !other.baseline && other.values[i] != point.values[i];
    });
    if (point.values[i].empty() || (!differs && !alone)) continue;
    const std::string last = split_key(plan.keys[i]).back();
    const auto same = std::count_if(plan.keys.begin(), plan.keys.end(),
                                    [&](const std::string& key) { return split_key(key).back() == last; });
    text += (text.empty() ? "" : " ") + (same > 1 ? plan.keys[i] : last) + "=" + point.values[i];
  }
  return text.empty() ? plan.name : text;
}

bool has_sweep(const std::filesystem::path& file, std::span<const std::string> overrides) {
  Diagnostics diagnostics;
  const Node document = load_document(file, overrides, diagnostics);
  diagnostics.raise();
  return document.find("sweep") != nullptr;
}

SweepPlan plan_sweep(const std::filesystem::path& file, std::span<const std::string> overrides) {
  Diagnostics diagnostics;
  Node base = load_document(file, overrides, diagnostics);
  if (base.kind == Kind::map && !base.find("sweep")) {
    diagnostics.add({Code::missing, "the key 'sweep' is missing", base.place, "",
                     "for example sweep: {axes: {compression.gamma: [0.005, 0.015]}}", ""});
  }
  diagnostics.raise();
  const Node written = *base.find("sweep");
  SweepSection section;
  {
    Resolver resolver(base, diagnostics);
    section = read_sweep(written, resolver, diagnostics);
  }
  base.erase("sweep");
  std::vector<Candidate> points = sweep_points(section, diagnostics);
  std::vector<Candidate> candidates = sweep_baselines(section, points);
  std::move(points.begin(), points.end(), std::back_inserter(candidates));
  check_overrides(candidates, base, diagnostics);
  std::set<std::string> checked;
  for (Candidate& candidate : candidates) {
    const std::size_t before = diagnostics.count();
    rename_old_keys(candidate.tree, Author::program, diagnostics);
    candidate.document = base;
    merge(candidate.document, candidate.tree, "", diagnostics);
    Node whole = candidate.document;
    expand_model_file(whole, diagnostics);
    candidate.experiment = read_document(whole, file.stem().string(), diagnostics);
    const bool fresh = checked.insert(row_of(candidate)).second;
    if (fresh && diagnostics.count() == before) check_network(candidate.experiment, diagnostics);
  }
  diagnostics.raise();
  const std::int64_t repeated = drop_repeated(candidates, diagnostics);
  diagnostics.raise();
  SweepPlan plan = gather(std::move(candidates));
  plan.repeated = repeated;
  return plan;
}

}  // namespace scnn
