#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "measure/profile.h"
#include "record/records.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

double ms(std::int64_t nanoseconds) { return 1e-6 * static_cast<double>(nanoseconds); }

/// The tree of ranges as both outputs want it.
class Summary {
 public:
  explicit Summary(const Profile& profile) : profile_(profile), totals_(profile.times.totals()) {
    for (std::size_t i = 0; i < size(); ++i) {
      if (place(i).name == "step") step_ = static_cast<int>(i);
    }
  }
  [[nodiscard]] std::size_t size() const { return totals_.size(); }
  [[nodiscard]] const RangeTimes::Place& place(std::size_t i) const { return profile_.times.places[i]; }
  [[nodiscard]] const RangeTimes::Total& total(std::size_t i) const { return totals_[i]; }

  [[nodiscard]] double step_ms() const { return step_ < 0 ? 0.0 : ms(total(static_cast<std::size_t>(step_)).time); }
  [[nodiscard]] double ms_per_step(std::int64_t time) const { return ms(time) / static_cast<double>(profile_.steps); }
  [[nodiscard]] double percent_of_step(std::int64_t time) const { return 100.0 * ms(time) / step_ms(); }
  [[nodiscard]] bool in_step(std::size_t i) const {
    int at = static_cast<int>(i);
    while (at >= 0 && at != step_) at = place(static_cast<std::size_t>(at)).parent;
    return at >= 0;
  }
  /// Nanoseconds of "forward/conv1" in the steps, all together; 0 where there is none.
  [[nodiscard]] std::int64_t layer_time(const std::string& direction, const std::string& layer) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (place(i).name == direction + "/" + layer && in_step(i)) return total(i).time;
    }
    return 0;
  }
  /// Places with their depths, children behind their parent.
  [[nodiscard]] std::vector<std::pair<std::size_t, int>> depth_first() const {
    std::vector<std::pair<std::size_t, int>> order;
    add_children(-1, 0, order);
    return order;
  }
  [[nodiscard]] std::vector<std::string> path(std::size_t i) const {
    std::vector<std::string> names;
    for (int at = static_cast<int>(i); at >= 0; at = place(static_cast<std::size_t>(at)).parent) {
      names.push_back(place(static_cast<std::size_t>(at)).name);
    }
    std::reverse(names.begin(), names.end());
    return names;
  }

 private:
  void add_children(int parent, int depth, std::vector<std::pair<std::size_t, int>>& order) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (place(i).parent != parent) continue;
      order.emplace_back(i, depth);
      add_children(static_cast<int>(i), depth + 1, order);
    }
  }

  const Profile& profile_;
  std::vector<RangeTimes::Total> totals_;
  int step_ = -1;
};

}  // namespace

std::string profile_table(const Profile& profile) {
  const Summary summary(profile);
  const double step = summary.step_ms() / static_cast<double>(profile.steps);
  std::string text = fmt::format("{} on {}\n{} steps of {} images after {} to warm up\n", profile.name,
                                 profile.description, profile.steps, profile.batch_size, profile.warmup);
  text += fmt::format("a step took {:.3f} ms, {} images a second", step,
                      grouped(static_cast<std::int64_t>(1e3 * static_cast<double>(profile.batch_size) / step)));
  if (profile.untimed_ms_per_step) text += fmt::format("; {:.3f} ms without the timer", *profile.untimed_ms_per_step);
  text += "\n\n";

  std::vector<std::vector<std::string>> rows = {
      {"range", "calls", "total ms", "self ms", "ms/step", "% of step", "min ms", "max ms"}};
  for (const auto& [i, depth] : summary.depth_first()) {
    const std::string& name = summary.place(i).name;
    if (name.find('/') != std::string::npos) continue;  // one of several: the layers have a table of their own
    const RangeTimes::Total& total = summary.total(i);
    rows.push_back({std::string(static_cast<std::size_t>(2 * depth), ' ') + name, grouped(total.calls),
                    ms_text(ms(total.time)), ms_text(ms(total.self)), ms_text(summary.ms_per_step(total.time)),
                    summary.in_step(i) ? fmt::format("{:.1f}", summary.percent_of_step(total.time)) : "",
                    ms_text(ms(total.shortest)), ms_text(ms(total.longest))});
  }
  text += text_table(rows) + "\n";

  rows = {{"layer", "type", "forward ms/step", "backward ms/step", "both", "% of step"}};
  const auto add = [&](const std::string& name, const std::string& type, std::int64_t forward, std::int64_t backward) {
    rows.push_back({name, type, ms_text(summary.ms_per_step(forward)), ms_text(summary.ms_per_step(backward)),
                    ms_text(summary.ms_per_step(forward + backward)),
                    fmt::format("{:.1f}", summary.percent_of_step(forward + backward))});
  };
  std::int64_t all_forward = 0;
  std::int64_t all_backward = 0;
  for (const LayerRow& layer : profile.layers) {
    const std::int64_t forward = summary.layer_time("forward", layer.name);
    const std::int64_t backward = summary.layer_time("backward", layer.name);
    if (forward + backward == 0) continue;  // the input, and layers that are another layer's memory
    add(layer.name, layer.type, forward, backward);
    all_forward += forward;
    all_backward += backward;
  }
  add("all", "", all_forward, all_backward);
  return text + text_table(rows, 1);
}

std::string profile_json(const Profile& profile, const std::string& folder) {
  const Summary summary(profile);
  Json ranges = Json::array();
  for (const auto& [i, depth] : summary.depth_first()) {
    const RangeTimes::Total& total = summary.total(i);
    ranges.push_back({{"name", summary.place(i).name},
                      {"path", summary.path(i)},
                      {"calls", total.calls},
                      {"total_ms", ms(total.time)},
                      {"self_ms", ms(total.self)},
                      {"ms_per_step", summary.ms_per_step(total.time)},
                      {"percent_of_step", summary.in_step(i) ? Json(summary.percent_of_step(total.time)) : Json()},
                      {"min_ms", ms(total.shortest)},
                      {"max_ms", ms(total.longest)}});
  }
  Json layers = Json::array();
  for (const LayerRow& layer : profile.layers) {
    const std::int64_t forward = summary.layer_time("forward", layer.name);
    const std::int64_t backward = summary.layer_time("backward", layer.name);
    layers.push_back({{"name", layer.name},
                      {"type", layer.type},
                      {"forward_ms_per_step", summary.ms_per_step(forward)},
                      {"backward_ms_per_step", summary.ms_per_step(backward)},
                      {"percent_of_step", summary.percent_of_step(forward + backward)}});
  }
  const double step = summary.step_ms() / static_cast<double>(profile.steps);
  const Json json = {{"profile", folder},
                     {"name", profile.name},
                     {"tool", "builtin"},
                     {"device", profile.device},
                     {"description", profile.description},
                     {"warmup", profile.warmup},
                     {"steps", profile.steps},
                     {"batch_size", profile.batch_size},
                     {"ms_per_step", step},
                     {"untimed_ms_per_step", profile.untimed_ms_per_step ? Json(*profile.untimed_ms_per_step) : Json()},
                     {"images_per_second", 1e3 * static_cast<double>(profile.batch_size) / step},
                     {"ranges", ranges},
                     {"layers", layers}};
  return dump(json, 2) + "\n";
}

std::string trace_json(const std::string& name, const RangeTimes& times) {
  // Written by hand: a long profile has millions of ranges, each a kilobyte as a JSON tree.
  std::vector<std::string> names;
  for (const RangeTimes::Place& place : times.places) names.push_back(dump(place.name));
  std::string text = fmt::format(
      "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
      R"({{"ph":"M","pid":1,"tid":1,"name":"process_name","args":{{"name":{}}}}})",
      dump("scnn " + name));
  for (const RangeTimes::Event& event : times.events) {
    // Microseconds, to the nanosecond.
    const std::int64_t time = event.end - event.begin;
    fmt::format_to(std::back_inserter(text),
                   ",\n"
                   R"({{"ph":"X","pid":1,"tid":1,"cat":"scnn","name":{},"ts":{}.{:03},"dur":{}.{:03}}})",
                   names[static_cast<std::size_t>(event.place)], event.begin / 1000, event.begin % 1000, time / 1000,
                   time % 1000);
  }
  return text + "\n]}\n";
}

}  // namespace scnn
