#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "record/csv.h"
#include "record/records.h"
#include "sweep/folder.h"

namespace scnn {
namespace {

/// A figure of the table, with its name in results.csv and sweep.json, and its decimals there.
struct TableFigure {
  const char* name;
  Spread SweepRow::*member;
  int decimals;
};
constexpr TableFigure table_figures[] = {{"top1", &SweepRow::top1, 6},
                                         {"file_bytes", &SweepRow::file_bytes, 1},
                                         {"learned_bits", &SweepRow::learned_bits, 1},
                                         {"removed_channels", &SweepRow::removed, 2}};
constexpr TableFigure seconds = {"train_seconds", &SweepRow::seconds, 2};

double removed_channels(const RunResult& result) {
  return std::accumulate(result.removals.begin(), result.removals.end(), 0.0,
                         [](double sum, const RemovalRecord& r) { return sum + static_cast<double>(r.channels); });
}

SweepRow row_of(const SweepPoint& point, const std::vector<RunResult>& results) {
  SweepRow row;
  row.baseline = point.baseline;
  row.values = point.values;
  row.runs = point.runs.size();
  row.done = results.size();
  const auto spread = [&](const std::function<double(const RunResult&)>& figure) {
    std::vector<double> values;
    for (const RunResult& result : results) values.push_back(figure(result));
    return spread_of(values);
  };
  row.top1 = spread([](const RunResult& r) { return r.test.top1; });
  row.file_bytes = spread([](const RunResult& r) { return static_cast<double>(r.file_bytes); });
  row.learned_bits = spread([](const RunResult& r) { return r.size.learned_bits; });
  row.removed = spread(removed_channels);
  row.seconds = spread([](const RunResult& r) { return r.train_seconds; });
  return row;
}

std::string csv_spread(const SweepRow& row, const TableFigure& figure) {
  if (row.done == 0) return ",,";
  const Spread& spread = row.*figure.member;
  return fmt::format(",{:.{}f},{}", spread.mean, figure.decimals,
                     spread.deviation ? fmt::format("{:.{}f}", *spread.deviation, figure.decimals) : "");
}

Json json_spread(const SweepRow& row, const TableFigure& figure) {
  if (row.done == 0) return nullptr;
  const Spread& spread = row.*figure.member;
  return {{"mean", spread.mean}, {"deviation", spread.deviation ? Json(*spread.deviation) : Json(nullptr)}};
}

/// "91.20 ±0.13", or "-"
std::string text_spread(const SweepRow& row, const Spread& spread, double factor, int decimals) {
  if (row.done == 0) return "-";
  const std::string mean = fmt::format("{:.{}f}", factor * spread.mean, decimals);
  return spread.deviation ? fmt::format("{} ±{:.{}f}", mean, factor * *spread.deviation, decimals) : mean;
}

std::size_t letters_in(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  if (values.empty()) return spread;
  const auto n = static_cast<double>(values.size());
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / (n - 1));
  return spread;
}

void mark_pareto(std::vector<SweepRow>& rows) {
  for (SweepRow& row : rows) {
    row.pareto = row.complete() && std::none_of(rows.begin(), rows.end(), [&](const SweepRow& other) {
                   const double gain = other.top1.mean - row.top1.mean;
                   const double saved = row.file_bytes.mean - other.file_bytes.mean;
                   return other.complete() && gain >= 0 && saved >= 0 && (gain > 0 || saved > 0);
                 });
  }
}

SweepTable sweep_table(const std::filesystem::path& folder, const SweepPlan& plan,
                       const std::map<std::string, SweepFailure>& failures) {
  SweepTable table;
  for (const SweepPoint& point : plan.points) {
    std::vector<RunResult> results;
    for (const SweepRun& run : point.runs) {
      SweepRunStatus status = sweep_run_status(folder, run.name);
      if (status.result) {
        results.push_back(std::move(*status.result));
      } else if (const auto known = failures.find(run.name); known != failures.end()) {
        table.failures.push_back(known->second);
      } else if (status.state == SweepRunStatus::State::failed) {
        table.failures.push_back({run.name, status.exit_code, status.message});
      }
    }
    table.rows.push_back(row_of(point, results));
    table.runs += point.runs.size();
    table.done += results.size();
  }
  mark_pareto(table.rows);
  return table;
}

std::string sweep_csv(const SweepPlan& plan, const SweepTable& table) {
  std::string csv = "point,baseline";
  for (const std::string& key : plan.keys) csv.append(",").append(csv_field(key));
  csv += ",runs,done,pareto";
  for (const TableFigure& figure : table_figures) csv += fmt::format(",{0},{0}_deviation", figure.name);
  csv += fmt::format(",{0},{0}_deviation\n", seconds.name);
  std::size_t number = plan.points[0].baseline ? 0 : 1;
  for (const SweepRow& row : table.rows) {
    csv += fmt::format("{},{}", number++, row.baseline);
    for (const std::string& value : row.values) csv.append(",").append(csv_field(value));
    csv += fmt::format(",{},{},{}", row.runs, row.done, row.pareto);
    for (const TableFigure& figure : table_figures) csv += csv_spread(row, figure);
    csv += csv_spread(row, seconds) + "\n";
  }
  return csv;
}

std::string sweep_json(const std::filesystem::path& folder, const SweepPlan& plan, const SweepTable& table) {
  Json points = Json::array();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const SweepRow& row = table.rows[i];
    Json settings = Json::object();
    for (std::size_t k = 0; k < plan.keys.size(); ++k) {
      settings[plan.keys[k]] = row.values[k].empty() ? Json(nullptr) : Json(row.values[k]);
    }
    Json runs = Json::array();
    for (const SweepRun& run : plan.points[i].runs) runs.push_back("runs/" + run.name);
    Json point = {
        {"baseline", row.baseline}, {"settings", settings}, {"runs", runs}, {"done", row.done}, {"pareto", row.pareto}};
    for (const TableFigure& figure : table_figures) point[figure.name] = json_spread(row, figure);
    point[seconds.name] = json_spread(row, seconds);
    points.push_back(std::move(point));
  }
  Json failures = Json::array();
  for (const SweepFailure& failure : table.failures) {
    failures.push_back(
        {{"run", "runs/" + failure.run}, {"exit_code", failure.exit_code}, {"message", failure.message}});
  }
  const Json json = {{"sweep", folder.string()}, {"name", plan.name},    {"runs", table.runs},
                     {"done", table.done},       {"failures", failures}, {"points", points}};
  return dump(json, 2) + "\n";
}

std::string sweep_text(const SweepPlan& plan, const SweepTable& table) {
  std::vector<std::vector<std::string>> lines = {{"point"}};
  for (const std::string& key : plan.keys) lines[0].push_back(key);
  for (const char* title : {"seeds", "top-1 %", "file bytes", "learned bits", "removed", "seconds", "front"}) {
    lines[0].emplace_back(title);
  }
  std::size_t number = 1;
  for (const SweepRow& row : table.rows) {
    std::vector<std::string> line = {row.baseline ? "baseline" : std::to_string(number++)};
    for (const std::string& value : row.values) line.push_back(value.empty() ? "-" : value);
    line.push_back(row.complete() ? std::to_string(row.runs) : fmt::format("{} of {}", row.done, row.runs));
    line.push_back(text_spread(row, row.top1, 100, 2));
    line.push_back(text_spread(row, row.file_bytes, 1, 0));
    line.push_back(text_spread(row, row.learned_bits, 1, 0));
    line.push_back(text_spread(row, row.removed, 1, 1));
    line.push_back(text_spread(row, row.seconds, 1, 1));
    line.emplace_back(row.pareto ? "*" : "");
    lines.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], letters_in(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string one;
    for (std::size_t i = 0; i < line.size(); ++i) {
      one += (i == 0 ? "" : "  ") + line[i] + std::string(widths[i] - letters_in(line[i]), ' ');
    }
    text += one.substr(0, one.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace scnn
