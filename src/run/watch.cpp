#include "run/watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "record/append_file.h"
#include "record/records.h"
#include "run/model_file.h"
#include "scnn/core/error.h"

namespace scnn {
namespace fs = std::filesystem;

std::int64_t RunView::steps() const {
  return std::max(step ? step->step : 0, history.epochs.empty() ? 0 : history.epochs.back().step);
}

std::optional<double> RunView::seconds_left() const {
  const auto left = static_cast<double>(info.total_steps - steps());
  if (info.total_steps <= 0 || left < 0) return std::nullopt;
  if (!history.epochs.empty() && history.epochs.back().epoch > 0) {
    const EpochRecord& last = history.epochs.back();
    const double seconds = last.train_seconds + last.eval_seconds + last.removal_seconds + last.wait_seconds;
    return left * seconds * static_cast<double>(last.epoch) / static_cast<double>(last.step);
  }
  if (!step || step->images_per_second <= 0 || batch_size <= 0) return std::nullopt;
  return left * static_cast<double>(batch_size) / step->images_per_second;
}

struct RunWatch::State {
  explicit State(const fs::path& path)
      : folder(RunFolder::open(path).path()), metrics(folder / "metrics.jsonl"), bits(folder / "bits.jsonl") {
    try {
      const Experiment experiment = experiment_of_run(folder).experiment;
      view.epochs = experiment.train.epochs;
      view.batch_size = experiment.train.batch_size;
    } catch (const Error&) {
      view.epochs = 0;  // the records can be shown without it
    }
    view.path = folder;
  }

  void take_metrics(const Json& json) {
    const std::string& type = json.at("type").get_ref<const std::string&>();
    if (type == "epoch") {
      view.history.epochs.push_back(epoch_from_json(json));
      view.step.reset();
    } else if (type == "removal") {
      view.history.removals.push_back(removal_from_json(json));
    } else if (type == "step") {
      view.step = StepRecord{json.at("epoch"), json.at("step"), number(json.at("loss")), number(json.at("size_loss")),
                             number(json.at("images_per_second"))};
    }
  }
  void take_bits(const Json& json) {
    std::vector<LayerStatus> layers;
    for (const Json& layer : json.at("layers")) layers.push_back(layer_from_json(layer));
    view.history.layers = {std::move(layers)};
  }
  template <class Take>
  void follow(LineFollower& file, Take take) {
    file.read([&](std::string_view line) {
      try {
        take(Json::parse(line));
      } catch (const Json::exception&) {
        ++view.damaged_lines;
      }
    });
  }

  fs::path folder;
  LineFollower metrics, bits;
  RunView view;
};

RunWatch::RunWatch(const fs::path& run) : state_(std::make_unique<State>(run)) {}

RunWatch::~RunWatch() = default;

const RunView& RunWatch::refresh() {
  State& s = *state_;
  // Before the records: a run that has ended by now has written all of them.
  const RunFolder folder = RunFolder::open(s.folder);
  s.view.info = folder.info();
  s.view.abandoned = folder.abandoned();
  if (s.metrics.replaced()) {
    s.view.history.epochs.clear();
    s.view.history.removals.clear();
    s.view.step.reset();
    s.view.damaged_lines = 0;
  }
  if (s.bits.replaced()) s.view.history.layers.clear();
  s.follow(s.metrics, [&](const Json& json) { s.take_metrics(json); });
  s.follow(s.bits, [&](const Json& json) { s.take_bits(json); });
  return s.view;
}

fs::path find_run(const fs::path& path) {
  std::error_code code;
  if (RunFolder::is_run(path)) return path;
  if (!fs::is_directory(path, code)) {
    throw Error(ErrorKind::usage, fmt::format("no run at {}: it does not exist (yet)", path.string()));
  }
  fs::path newest;
  fs::file_time_type time;
  constexpr int deepest = 4;  // sweeps/NAME/ID/RUN
  const auto skip = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(path, skip, code), end; !code && it != end; it.increment(code)) {
    if (it.depth() >= deepest) it.disable_recursion_pending();
    if (it->path().filename() != "run.json") continue;
    const fs::file_time_type written = it->last_write_time(code);
    if (!newest.empty() && written <= time) continue;
    newest = it->path().parent_path();
    time = written;
  }
  if (newest.empty()) throw Error(ErrorKind::usage, fmt::format("no run in {} or below it (yet)", path.string()));
  return newest;
}

}  // namespace scnn
