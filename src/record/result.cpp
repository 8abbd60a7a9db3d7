#include "scnn/record/result.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/file.h"
#include "core/json_problem.h"
#include "record/records.h"

namespace scnn {
namespace {

double percent_of_original(double bits, std::int64_t original_weights) {
  return original_weights > 0 ? 100.0 * bits / (32.0 * static_cast<double>(original_weights)) : 0.0;
}

}  // namespace

double RunResult::learned_percent() const { return percent_of_original(size.learned_bits, size.original_weights); }

double RunResult::file_percent() const {
  return percent_of_original(8.0 * static_cast<double>(file_bytes), size.original_weights);
}

std::string result_json(const RunResult& r) {
  Json removals = Json::array();
  for (const RemovalRecord& removal : r.removals) {
    removals.push_back({{"epoch", removal.epoch},
                        {"layer", removal.layer},
                        {"channels", removal.channels},
                        {"max_diff", removal.max_diff}});
  }
  const Json json = {
      {"run", r.run},
      {"device", r.device},
      {"seed", r.seed},
      {"test", {{"top1", r.test.top1}, {"loss", r.test.loss}}},
      {"size",
       {{"original_weights", r.size.original_weights},
        {"live_weights", r.size.live_weights},
        {"learned_bits", r.size.learned_bits},
        {"packed_bits", r.size.packed_bits},
        {"entropy_bits", r.entropy_bits ? Json(*r.entropy_bits) : Json(nullptr)},
        {"file_bytes", r.file_bytes},
        {"learned_percent", r.learned_percent()},
        {"file_percent", r.file_percent()}}},
      {"export", {{"max_diff", r.export_diff}}},
      {"time",
       {{"train_seconds", r.train_seconds}, {"epoch_seconds", r.epoch_seconds}, {"eval_seconds", r.eval_seconds}}},
      {"gpu", {{"recordings", r.recordings}, {"peak_bytes", r.peak_device_bytes}}},
      {"removals", removals}};
  return dump(json, 2) + "\n";
}

RunResult read_result(const std::filesystem::path& path) {
  try {
    const Json json = Json::parse(read_text(path, ErrorKind::checkpoint));
    RunResult r;
    r.run = json.at("run");
    r.device = json.at("device");
    r.seed = json.at("seed");
    r.test.top1 = number(json.at("test").at("top1"));
    r.test.loss = number(json.at("test").at("loss"));
    const Json& size = json.at("size");
    r.size.original_weights = size.at("original_weights");
    r.size.live_weights = size.at("live_weights");
    r.size.learned_bits = number(size.at("learned_bits"));
    r.size.packed_bits = size.at("packed_bits");
    if (!size.at("entropy_bits").is_null()) r.entropy_bits = size.at("entropy_bits").get<std::int64_t>();
    r.file_bytes = size.at("file_bytes");
    if (json.contains("export")) r.export_diff = number(json.at("export").at("max_diff"));
    const Json& time = json.at("time");
    r.train_seconds = number(time.at("train_seconds"));
    for (const Json& seconds : time.at("epoch_seconds")) r.epoch_seconds.push_back(number(seconds));
    r.eval_seconds = number(time.at("eval_seconds"));
    r.recordings = json.at("gpu").at("recordings");
    r.peak_device_bytes = json.at("gpu").at("peak_bytes");
    for (const Json& removal : json.at("removals")) r.removals.push_back(removal_from_json(removal));
    return r;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::checkpoint, fmt::format("{} is damaged: {}; scnn resume with its run folder writes it again",
                                                   path.string(), json_problem(error)));
  }
}

const std::vector<std::string>& Expectation::metrics() {
  static const std::vector<std::string> names = {"top1", "loss", "file_bytes", "bytes_top1", "bytes_loss"};
  return names;
}

Expectation::Expectation(const std::string& text) {
  std::string packed;
  for (const char c : text) {
    if (c != ' ') packed += c;
  }
  const std::size_t at = packed.find_first_of("<>=");
  const std::string what = fmt::format(
      "cannot read the expectation '{}': write METRIC>=VALUE with one of {} and one of "
      ">= <= > <",
      text, fmt::join(metrics(), ", "));
  if (at == std::string::npos) throw Error(ErrorKind::usage, what);
  metric_ = packed.substr(0, at);
  std::size_t end = at + 1;
  if (end < packed.size() && packed[end] == '=') ++end;
  comparison_ = packed.substr(at, end - at);
  const std::array<const char*, 4> known = {">=", "<=", ">", "<"};
  bool ok = false;
  for (const char* one : known) ok = ok || comparison_ == one;
  bool named = false;
  for (const std::string& name : metrics()) named = named || metric_ == name;
  const char* first = packed.data() + end;
  const char* last = packed.data() + packed.size();
  const auto [stop, error] = std::from_chars(first, last, bound_);
  if (!ok || !named || error != std::errc() || stop != last || !std::isfinite(bound_))
    throw Error(ErrorKind::usage, what);
}

bool Expectation::met_by(double value) const {
  if (comparison_ == ">=") return value >= bound_;
  if (comparison_ == "<=") return value <= bound_;
  if (comparison_ == ">") return value > bound_;
  return value < bound_;
}

}  // namespace scnn
