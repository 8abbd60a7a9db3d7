#include "record/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/file.h"
#include "core/json_problem.h"
#include "record/append_file.h"
#include "record/records.h"

namespace scnn {
namespace {

constexpr const char* csv_header =
    "epoch,step,train_loss,train_top1,split,loss,top1,size_loss,gamma,lr,original_weights,live_weights,live_channels,"
    "learned_bits,packed_bits,macs,train_seconds,eval_seconds,removal_seconds,wait_seconds";

std::string csv_line(const EpochRecord& r) {
  const std::string evaluation =
      r.evaluation ? fmt::format("{},{:.6g},{:.6g}", r.evaluation_split, r.evaluation->loss, r.evaluation->top1) : ",,";
  return fmt::format("{},{},{:.6g},{:.6g},{},{:.6g},{:.6g},{:.6g},{},{},{},{:.8g},{},{},{:.4f},{:.4f},{:.4f},{:.4f}",
                     r.epoch, r.step, r.train_loss, r.train_top1, evaluation, r.size_loss, r.gamma, r.lr,
                     r.size.original_weights, r.size.live_weights, r.size.live_channels, r.size.learned_bits,
                     r.size.packed_bits, r.size.macs, r.train_seconds, r.eval_seconds, r.removal_seconds,
                     r.wait_seconds);
}

void read_metrics(const Json& json, RunHistory& history) {
  const std::string& type = json.at("type").get_ref<const std::string&>();
  if (type == "epoch") history.epochs.push_back(epoch_from_json(json));
  if (type == "removal") history.removals.push_back(removal_from_json(json));
}

std::vector<LayerStatus> read_bits(const Json& json) {
  std::vector<LayerStatus> layers;
  for (const Json& layer : json.at("layers")) layers.push_back(layer_from_json(layer));
  return layers;
}

/// Keeps the JSON lines up to `step` that `read` accepts.
bool json_line_kept(std::string_view line, std::int64_t step, const std::function<void(const Json&)>& read) {
  try {
    const Json json = Json::parse(line);
    read(json);
    return json.at("step").get<std::int64_t>() <= step;
  } catch (const Json::exception&) {
    return false;
  }
}

bool csv_line_kept(std::string_view line, std::int64_t step) {
  if (line.substr(0, line.find(',')) == "epoch") return true;
  const std::size_t comma = line.find(',');
  if (comma == std::string_view::npos) return false;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data() + comma + 1, line.data() + line.size(), value);
  return error == std::errc() && value <= step;
}

bool has(const LoggingOptions& logging, const char* sink) {
  return std::find(logging.sinks.begin(), logging.sinks.end(), sink) != logging.sinks.end();
}

}  // namespace

struct RunRecorder::State {
  State(const RunFolder& folder, const LoggingOptions& logging, std::int64_t period)
      : metrics(folder.file("metrics.jsonl")),
        bits(folder.file("bits.jsonl")),
        steps(has(logging, "jsonl")),
        step_period(std::max<std::int64_t>(1, period)) {
    if (has(logging, "csv")) epochs.emplace(folder.file("epochs.csv"));
  }

  AppendFile metrics, bits;
  std::optional<AppendFile> epochs;
  bool steps;
  std::int64_t step_period;
};

RunRecorder::RunRecorder(const RunFolder& folder, const LoggingOptions& logging, std::int64_t step_period)
    : state_(std::make_unique<State>(folder, logging, step_period)) {}

RunRecorder::~RunRecorder() = default;

void RunRecorder::on_start(std::int64_t first_step, std::int64_t /*total_steps*/) {
  RunHistory ignored;
  state_->metrics.cut([&](std::string_view line) {
    return json_line_kept(line, first_step, [&](const Json& json) { read_metrics(json, ignored); });
  });
  state_->bits.cut([&](std::string_view line) {
    return json_line_kept(line, first_step, [](const Json& json) {
      (void)json.at("epoch").get<std::int64_t>();
      (void)read_bits(json);
    });
  });
  if (!state_->epochs) return;
  state_->epochs->cut([&](std::string_view line) { return csv_line_kept(line, first_step); });
  if (state_->epochs->empty()) state_->epochs->line(csv_header);
}

void RunRecorder::on_step(const StepRecord& record) {
  if (state_->steps && record.step % state_->step_period == 0) state_->metrics.line(dump(to_json(record)));
}

void RunRecorder::on_removal(const RemovalRecord& record) { state_->metrics.line(dump(to_json(record))); }

void RunRecorder::on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) {
  Json line = {{"epoch", record.epoch}, {"step", record.step}, {"layers", Json::array()}};
  for (const LayerStatus& layer : layers) line["layers"].push_back(to_json(layer));
  state_->bits.line(dump(line));
  if (state_->epochs) state_->epochs->line(csv_line(record));
  state_->metrics.line(dump(to_json(record)));
}

namespace {

void read_lines(const std::filesystem::path& path, const std::function<void(const Json&)>& use) {
  if (!std::filesystem::exists(path)) return;
  const std::string text = read_text(path, ErrorKind::checkpoint);
  std::int64_t count = 0;
  for_each_line(text, [&](std::string_view line) {
    ++count;
    try {
      use(Json::parse(line));
    } catch (const Json::exception& error) {
      throw Error(ErrorKind::checkpoint, fmt::format("{}:{}: damaged line ({}); remove the line, or resume the run, "
                                                     "which drops it",
                                                     path.string(), count, json_problem(error)));
    }
  });
}

}  // namespace

RunHistory read_history(const std::filesystem::path& run) {
  RunHistory history;
  read_lines(run / "metrics.jsonl", [&](const Json& json) { read_metrics(json, history); });
  history.layers.resize(history.epochs.size());
  read_lines(run / "bits.jsonl", [&](const Json& json) {
    const std::int64_t epoch = json.at("epoch");
    for (std::size_t i = 0; i < history.epochs.size(); ++i) {
      if (history.epochs[i].epoch == epoch) history.layers[i] = read_bits(json);
    }
  });
  return history;
}

void Observers::on_start(std::int64_t first_step, std::int64_t total_steps) {
  for (TrainObserver* observer : list_) observer->on_start(first_step, total_steps);
}
void Observers::on_step(const StepRecord& record) {
  for (TrainObserver* observer : list_) observer->on_step(record);
}
void Observers::on_removal(const RemovalRecord& record) {
  for (TrainObserver* observer : list_) observer->on_removal(record);
}
void Observers::on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) {
  for (TrainObserver* observer : list_) observer->on_epoch(record, layers);
}
void Observers::on_checkpoint(const std::string& path) {
  for (TrainObserver* observer : list_) observer->on_checkpoint(path);
}
bool Observers::should_stop() {
  return std::any_of(list_.begin(), list_.end(), [](TrainObserver* observer) { return observer->should_stop(); });
}

}  // namespace scnn
