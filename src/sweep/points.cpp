#include "sweep/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/file.h"
#include "scnn/core/random.h"

namespace scnn::config {
namespace {

constexpr std::size_t most_runs = 10'000;

Node empty_map(const SourceLocation& place) {
  Node node;
  node.kind = Kind::map;
  node.place = place;
  return node;
}

/// Sets a value of the tree, maps made on the way; false where it has one there already.
bool put(Node& tree, const Assignment& one) {
  Node* node = &tree;
  const std::vector<std::string> parts = split_key(one.key);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (node->kind != Kind::map) return false;
    if (Node* next = node->find(parts[i])) {
      if (i + 1 == parts.size()) return false;
      node = next;
    } else {
      node->entries.push_back({parts[i], one.place, i + 1 == parts.size() ? one.value : empty_map(one.place)});
      node = &node->entries.back().value;
    }
  }
  return true;
}

/// Draw `sample` of a random axis.  A stream for each key: another axis beside it changes nothing.
Node draw(const SweepAxis& axis, const SweepDraws& draws, std::int64_t sample) {
  const auto lane = static_cast<std::uint32_t>(hash64(std::as_bytes(std::span(axis.setting.key))));
  const RandomStream stream(draws.seed, Stream::sweep, lane);
  const auto index = static_cast<std::uint64_t>(sample);
  if (axis.kind == SweepAxis::Kind::choice) return axis.values[stream.below(index, axis.values.size())];
  const Draws bits = stream.draws(index);
  const double u = static_cast<double>((static_cast<std::uint64_t>(bits.v[0]) << 21U) | (bits.v[1] >> 11U)) * 0x1p-53;
  const bool log = axis.kind == SweepAxis::Kind::log_uniform;
  const double value = log ? axis.min * std::pow(axis.max / axis.min, u) : axis.min + u * (axis.max - axis.min);
  // Six digits: to be read by people, and the same on machines whose libraries round pow differently.
  Node node = axis.setting.value;
  node.kind = Kind::scalar;
  node.entries.clear();
  node.text = fmt::format("{:.6g}", value);
  if (std::stod(node.text) < axis.min) node.text = fmt::format("{}", axis.min);
  if (std::stod(node.text) > axis.max) node.text = fmt::format("{}", axis.max);
  return node;
}

class Expansion {
 public:
  Expansion(const SweepSection& section, Diagnostics& diagnostics) : section_(section), diagnostics_(diagnostics) {}

  std::vector<Candidate> all() {
    std::size_t total = std::max<std::size_t>(1, section_.points.size());
    bool random = false;
    for (const SweepAxis& axis : section_.axes) {
      random = random || axis.is_random();
      if (!axis.is_random()) total = std::min(most_runs + 1, total * axis.values.size());
    }
    const std::int64_t samples = random ? section_.draws.samples : 1;
    total = std::min(most_runs + 1, total * static_cast<std::size_t>(samples));
    if (total > most_runs) {
      diagnostics_.add({Code::range, fmt::format("more than {} runs", most_runs), section_.place, "sweep",
                        "shorten an axis, or draw points: {choice: [values]}", ""});
      return {};
    }
    if (section_.axes.empty() && section_.points.empty()) {
      if (!diagnostics_.empty()) return {};
      diagnostics_.add({Code::missing, "the key 'axes' is missing", section_.place, "sweep",
                        "for example axes: {compression.gamma: [0.005, 0.015]}; or give points", ""});
      return {};
    }
    for (std::size_t p = 0; p < std::max<std::size_t>(1, section_.points.size()); ++p) {
      for (std::int64_t sample = 0; sample < samples; ++sample) {
        Node tree = empty_map(section_.place);
        if (!section_.points.empty()) {
          for (const Assignment& one : section_.points[p]) set(tree, one);
        }
        extend(tree, 0, sample, random);
      }
    }
    return std::move(out_);
  }

 private:
  void extend(const Node& tree, std::size_t axis, std::int64_t sample, bool random) {
    if (axis == section_.axes.size()) {
      out_.push_back({tree, random, false, {}, {}});
      return;
    }
    const SweepAxis& a = section_.axes[axis];
    const std::vector<Node> values = a.is_random() ? std::vector<Node>{draw(a, section_.draws, sample)} : a.values;
    for (const Node& value : values) {
      Node longer = tree;
      set(longer, {a.setting.key, a.setting.place, value});
      extend(longer, axis + 1, sample, random);
    }
  }

  void set(Node& tree, const Assignment& one) {
    if (put(tree, one)) return;
    diagnostics_.add({Code::conflict, fmt::format("'{}' is set by another axis or point too", one.key), one.place,
                      "sweep", "give it in one of them", ""});
  }

  const SweepSection& section_;
  Diagnostics& diagnostics_;
  std::vector<Candidate> out_;
};

void add_leaves(const Node& tree, const std::string& prefix, std::vector<Leaf>& out) {
  for (const Entry& entry : tree.entries) {
    if (entry.value.kind == Kind::map && !entry.value.entries.empty()) {
      add_leaves(entry.value, prefix + entry.key + ".", out);
    } else {
      out.emplace_back(prefix + entry.key, &entry.value);
    }
  }
}

}  // namespace

std::vector<Candidate> sweep_points(const SweepSection& section, Diagnostics& diagnostics) {
  return Expansion(section, diagnostics).all();
}

std::vector<Candidate> sweep_baselines(const SweepSection& section, const std::vector<Candidate>& points) {
  std::vector<Candidate> out;
  if (section.baseline.empty()) return out;
  std::vector<const Node*> seeds;
  std::set<std::string> seen;
  for (const Candidate& point : points) {
    const Node* seed = point.tree.find("seed");
    if (seen.insert(seed ? seed->text : "").second) seeds.push_back(seed);
  }
  for (const Node* seed : seeds) {
    Candidate one;
    one.baseline = true;
    one.tree = empty_map(section.place);
    for (const Assignment& setting : section.baseline) put(one.tree, setting);
    if (seed) put(one.tree, {"seed", seed->place, *seed});
    out.push_back(std::move(one));
  }
  return out;
}

const Node* find_at(const Node& root, std::string_view key) {
  const Node* node = &root;
  for (const std::string& part : split_key(key)) {
    const Node* next = node->kind == Kind::map ? node->find(part) : nullptr;
    if (node->kind == Kind::sequence) {
      for (const Node& item : node->items) {
        const Node* name = item.find("name");
        if (name && name->text == part) next = &item;
      }
    }
    if (!next) return nullptr;
    node = next;
  }
  return node;
}

std::vector<Leaf> leaves(const Node& tree) {
  std::vector<Leaf> out;
  add_leaves(tree, "", out);
  return out;
}

}  // namespace scnn::config
