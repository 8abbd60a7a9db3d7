#include "settings/sweep_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "settings/read.h"

namespace scnn::config {
namespace {

using Kind = scnn::config::Kind;

constexpr std::array<std::pair<std::string_view, SweepAxis::Kind>, 3> distributions = {
    {{"log_uniform", SweepAxis::Kind::log_uniform},
     {"uniform", SweepAxis::Kind::uniform},
     {"choice", SweepAxis::Kind::choice}}};
constexpr const char* axis_forms =
    "a list of values, {log_uniform: [min, max]}, {uniform: [min, max]} or {choice: [values]}";

std::vector<std::string> distribution_names() {
  std::vector<std::string> names;
  for (const auto& one : distributions) names.emplace_back(one.first);
  return names;
}

bool is_distribution(const Node& node) {
  return node.kind == Kind::map && std::any_of(distributions.begin(), distributions.end(),
                                               [&](const auto& one) { return node.find(one.first) != nullptr; });
}

class SectionReader {
 public:
  SectionReader(Resolver& resolver, Diagnostics& diagnostics) : resolver_(resolver), diagnostics_(diagnostics) {}

  SweepSection read(const Node& section) {
    SweepSection out;
    out.place = section.place;
    const std::size_t before = diagnostics_.count();
    if (section.kind != Kind::map) {
      if (section.kind != Kind::invalid) {
        report(Code::wrong_type, section.place, "'sweep' must be a map, not " + section.describe(), "sweep");
      }
      return out;
    }
    read_draws(section, out.draws);
    if (const Node* axes = section.find("axes")) read_axes(*axes, out);
    if (const Node* points = section.find("points")) read_points(*points, out);
    if (const Node* baseline = section.find("baseline")) {
      out.baseline = settings_in(*baseline, "sweep.baseline");
      for (const Assignment& one : out.baseline) {
        if (one.key != "seed") continue;
        report(Code::conflict, one.place, "the baseline runs once for each seed of the points", "sweep.baseline",
               "remove 'seed' here");
      }
    }
    if (diagnostics_.count() == before) check_draws(section, out);
    return out;
  }

 private:
  void report(Code code, const SourceLocation& place, const std::string& message, const std::string& context,
              const std::string& note = "") {
    diagnostics_.add({code, message, place, context, note, ""});
  }

  void read_draws(const Node& section, SweepDraws& draws) {
    Node map = section;
    for (Entry& entry : map.entries) {
      if (entry.key == "samples" || entry.key == "seed") entry.value = resolver_.resolve(entry.value, {});
    }
    SettingsReader reader(map, "sweep", {"axes", "points", "baseline"}, diagnostics_);
    visit(reader, draws);
    reader.finish();
  }

  /// The keys below a map, one for each value: `compression: {gamma: 1}` and `compression.gamma: 1` are the same.
  std::vector<Assignment> settings_in(const Node& map, const std::string& context) {
    std::vector<Assignment> out;
    if (map.kind == Kind::map) {
      flatten(map, "", context, out);
    } else if (map.kind != Kind::invalid) {
      report(Code::wrong_type, map.place,
             fmt::format("'{}' must be a map of settings, not {}", context, map.describe()), context);
    }
    return out;
  }

  void flatten(const Node& map, const std::string& prefix, const std::string& context, std::vector<Assignment>& out) {
    for (const Entry& entry : map.entries) {
      const std::string key = prefix + entry.key;
      const Node& value = entry.value;
      if (value.kind == Kind::map && !value.entries.empty() && !is_distribution(value)) {
        flatten(value, key + ".", context, out);
      } else if (value.kind != Kind::invalid && is_setting(key, entry.place, context)) {
        add({key, entry.place, value}, context, out);
      }
    }
  }

  bool is_setting(const std::string& key, const SourceLocation& place, const std::string& context) {
    const std::vector<std::string> parts = split_key(key);
    if (std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); })) {
      report(Code::unknown_key, place, fmt::format("'{}' is no key of a setting", key), context,
             "for example compression.gamma");
      return false;
    }
    for (const char* fixed : {"version", "name", "extends", "sweep"}) {
      if (parts[0] != fixed) continue;
      report(Code::conflict, place, fmt::format("'{}' is the same in all runs of a sweep", key), context,
             "set it outside of 'sweep'");
      return false;
    }
    return true;
  }

  /// An override takes the place of what the file says under the same key, however the two are written.
  void add(Assignment one, const std::string& context, std::vector<Assignment>& out) {
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Assignment& other) { return other.key == one.key; });
    if (same == out.end()) {
      out.push_back(std::move(one));
    } else if (one.place.source && one.place.source->is_override) {
      *same = std::move(one);
    } else {
      report(Code::duplicate, one.place, fmt::format("duplicate key '{}'", one.key), context,
             "already given at " + same->place.str());
    }
  }

  void read_axes(const Node& axes, SweepSection& out) {
    for (Assignment& setting : settings_in(axes, "sweep.axes")) read_axis(std::move(setting), out.axes);
  }

  void read_axis(Assignment setting, std::vector<SweepAxis>& out) {
    const Node& value = setting.value;
    const std::string last = split_key(setting.key).back();
    const std::string meant = did_you_mean(last, distribution_names());
    if (!meant.empty()) {
      return report(Code::unknown_choice, setting.place, fmt::format("unknown distribution '{}'", last), "sweep.axes",
                    meant);
    }
    SweepAxis axis;
    axis.setting = setting;
    if (value.kind == Kind::sequence) {
      axis.values = value.items;
      if (axis.values.empty()) report(Code::wrong_type, value.place, no_values(setting.key), "sweep.axes");
    } else if (is_distribution(value)) {
      if (!read_distribution(axis)) return;
    } else {
      return report(Code::wrong_type, value.place.source ? value.place : setting.place,
                    fmt::format("the axis '{}' must be {}, not {}", setting.key, axis_forms, value.describe()),
                    "sweep.axes");
    }
    if (!axis.is_random() && axis.values.empty()) return;
    out.push_back(std::move(axis));
  }

  static std::string no_values(const std::string& key) { return fmt::format("the axis '{}' has no values", key); }

  bool read_distribution(SweepAxis& axis) {
    const Node& map = axis.setting.value;
    if (map.entries.size() != 1) {
      report(Code::wrong_type, map.place, fmt::format("the axis '{}' must be {}", axis.setting.key, axis_forms),
             "sweep.axes");
      return false;
    }
    const Entry& entry = map.entries[0];
    axis.kind = std::find_if(distributions.begin(), distributions.end(), [&](const auto& one) {
                  return one.first == entry.key;
                })->second;
    if (axis.kind != SweepAxis::Kind::choice) return read_bounds(axis, entry);
    axis.values = entry.value.items;
    if (entry.value.kind == Kind::sequence && !axis.values.empty()) return true;
    report(Code::wrong_type, entry.value.place, "'choice' must be a list with at least one value", "sweep.axes");
    return false;
  }

  bool read_bounds(SweepAxis& axis, const Entry& entry) {
    const Node bounds = resolver_.resolve(entry.value, {});
    if (bounds.kind == Kind::invalid) return false;
    const bool log = axis.kind == SweepAxis::Kind::log_uniform;
    const bool good = bounds.kind == Kind::sequence && bounds.items.size() == 2 && number(bounds.items[0], axis.min) &&
                      number(bounds.items[1], axis.max);
    if (good && axis.min < axis.max && (!log || axis.min > 0)) return true;
    report(good ? Code::range : Code::wrong_type, bounds.place,
           fmt::format("'{}' must be [min, max], two numbers{}", entry.key, log ? " above 0" : ""), "sweep.axes",
           good ? (log && axis.min <= 0 ? "min must be above 0" : "min must be below max") : "");
    return false;
  }

  static bool number(const Node& node, double& value) {
    if (node.kind != Kind::scalar || node.quoted) return false;
    const char* end = node.text.data() + node.text.size();
    const auto [stop, code] = std::from_chars(node.text.data(), end, value);
    return code == std::errc{} && stop == end && std::isfinite(value);
  }

  void read_points(const Node& points, SweepSection& out) {
    if (points.kind != Kind::sequence || points.items.empty()) {
      if (points.kind == Kind::invalid) return;
      return report(Code::wrong_type, points.place,
                    "'points' must be a list of maps of settings, not " + points.describe(), "sweep");
    }
    for (const Node& point : points.items) out.points.push_back(settings_in(point, "sweep.points"));
  }

  void check_draws(const Node& section, const SweepSection& out) {
    const auto random =
        std::find_if(out.axes.begin(), out.axes.end(), [](const SweepAxis& axis) { return axis.is_random(); });
    if (random != out.axes.end() && out.draws.samples == 0) {
      report(Code::missing, random->setting.place, "the key 'samples' is missing", "sweep",
             "how often to draw this axis: write sweep: {samples: 10, ...}");
    }
    if (random != out.axes.end()) return;
    for (const char* key : {"samples", "seed"}) {
      const Node* node = section.find(key);
      if (!node) continue;
      report(Code::conflict, node->place, fmt::format("'{}' has no effect: no axis is a distribution", key), "sweep",
             key == std::string_view("seed") ? "the seeds of the runs are the axis 'seed'"
                                             : "an axis such as {log_uniform: [0.001, 0.1]} is drawn");
    }
  }

  Resolver& resolver_;
  Diagnostics& diagnostics_;
};

}  // namespace

SweepSection read_sweep(const Node& section, Resolver& resolver, Diagnostics& diagnostics) {
  return SectionReader(resolver, diagnostics).read(section);
}

std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t end = std::min(key.find('.', start), key.size());
    parts.emplace_back(key.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace scnn::config
