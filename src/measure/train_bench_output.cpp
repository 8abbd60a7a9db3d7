#include <fmt/format.h>

#include <numeric>

#include "measure/train_bench.h"
#include "record/records.h"
#include "run/network_table.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

using Network = TrainBench::Network;
using Rows = std::vector<std::vector<std::string>>;

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0.0; }

double macs_percent(const TrainBench& bench, const Network& network) {
  return percent(static_cast<double>(network.macs), static_cast<double>(bench.networks.front().macs));
}
double images_per_second(const TrainBench& bench, const StepTimes& times) {
  return 1e3 * static_cast<double>(bench.batch_size) / times.median;
}
double epoch_ms(const TrainBench& bench, const StepTimes& times) {
  return times.median * static_cast<double>(bench.steps_per_epoch);
}
double preparation_ms(const Network& network) { return 1e3 * network.preparation / static_cast<double>(network.steps); }

/// Of a step, outside of kernels; none where the backend does not tell of them.
std::optional<double> outside_kernels(const StepTimes& times) {
  if (!times.parts.back().outside) return std::nullopt;
  return std::accumulate(times.parts.begin(), times.parts.end(), 0.0,
                         [](double sum, const StepTimes::Part& part) { return sum + part.outside.value_or(0); });
}

std::string share_text(double part, double whole) { return fmt::format("{:.1f}", percent(part, whole)); }

std::string parts_table(const TrainBench& bench, const Network& network, const StepTimes& times) {
  Rows rows = {{"part", "ms/step", "% of step", "outside of kernels, ms"}};
  for (const StepTimes::Part& part : times.parts) {
    rows.push_back(
        {part.name, ms_text(part.ms), share_text(part.ms, times.mean), part.outside ? ms_text(*part.outside) : "-"});
  }
  const std::optional<double> outside = outside_kernels(times);
  rows.push_back({"step", ms_text(times.mean), "100.0",
                  outside ? fmt::format("{} ({:.1f}%)", ms_text(*outside), percent(*outside, times.mean)) : "-"});
  std::string text = text_table(rows);
  const double preparation = preparation_ms(network);
  text += fmt::format("batches prepared beside the steps: {} ms of the processor a step ({:.1f}%)\n",
                      ms_text(preparation), percent(preparation, times.mean));
  if (!times.between.empty()) {
    rows = {{"between steps", "ms", "% of an epoch"}};
    for (const StepTimes::Part& part : times.between) {
      rows.push_back({part.name, ms_text(part.ms), fmt::format("{:.2f}", percent(part.ms, epoch_ms(bench, times)))});
    }
    text += fmt::format("\n{}", text_table(rows));
  }
  if (!times.kernels.empty()) {
    rows = {{"kernel", "ms/step", "% of step"}};
    for (const StepTimes::Part& kernel : times.kernels) {
      rows.push_back({kernel.name, ms_text(kernel.ms), share_text(kernel.ms, times.mean)});
    }
    text += fmt::format("\n{}", text_table(rows));
  }
  return text;
}

Json parts_json(const std::vector<StepTimes::Part>& parts, const char* outside) {
  Json list = Json::array();
  for (const StepTimes::Part& part : parts) {
    list.push_back({{"name", part.name}, {"ms", part.ms}});
    if (outside != nullptr) list.back()[outside] = part.outside ? Json(*part.outside) : Json();
  }
  return list;
}

}  // namespace

std::string train_bench_table(const TrainBench& bench) {
  const StepTimes whole = step_times(bench.networks.front());
  std::string text = fmt::format("{} on {}\n{} steps of {} images after {} to warm up, {} steps an epoch\n", bench.name,
                                 bench.description, bench.networks.front().steps, bench.batch_size, bench.warmup,
                                 bench.steps_per_epoch);
  text +=
      fmt::format("a step takes {:.3f} ms (median; quartiles {:.3f} and {:.3f}), {} images a second\n\n", whole.median,
                  whole.low, whole.high, grouped(static_cast<std::int64_t>(images_per_second(bench, whole))));
  text += parts_table(bench, bench.networks.front(), whole);
  if (bench.networks.size() == 1) return text;
  Rows rows = {{"multiply-adds", "% of them", "ms/step", "% of it", "efficiency", "re-planning, ms", "% of an epoch"}};
  for (const Network& network : bench.networks) {
    const StepTimes times = step_times(network);
    const bool first = &network == &bench.networks.front();
    rows.push_back({grouped(network.macs), fmt::format("{:.1f}", macs_percent(bench, network)), ms_text(times.median),
                    share_text(times.median, whole.median), fmt::format("{:.2f}", efficiency(bench, network)),
                    first ? "" : ms_text(1e3 * network.replanning),
                    first ? "" : fmt::format("{:.2f}", percent(1e3 * network.replanning, epoch_ms(bench, times)))});
  }
  return text + fmt::format("\n{}", text_table(rows));
}

std::string train_bench_json(const TrainBench& bench) {
  Json networks = Json::array();
  for (const Network& network : bench.networks) {
    const StepTimes times = step_times(network);
    const std::optional<double> outside = outside_kernels(times);
    networks.push_back(
        {{"keep", network.keep},
         {"macs", network.macs},
         {"macs_percent", macs_percent(bench, network)},
         {"steps", network.steps},
         {"step_ms", {{"median", times.median}, {"low", times.low}, {"high", times.high}, {"mean", times.mean}}},
         {"images_per_second", images_per_second(bench, times)},
         {"efficiency", efficiency(bench, network)},
         {"replanning_ms", 1e3 * network.replanning},
         {"replanning_percent_of_epoch", percent(1e3 * network.replanning, epoch_ms(bench, times))},
         {"preparation_ms", preparation_ms(network)},
         {"outside_kernels_ms", outside ? Json(*outside) : Json()},
         {"parts", parts_json(times.parts, "outside_kernels_ms")},
         {"kernels", parts_json(times.kernels, nullptr)},
         {"between_steps", parts_json(times.between, nullptr)}});
  }
  const Json json = {{"name", bench.name},
                     {"device", bench.device},
                     {"description", bench.description},
                     {"batch_size", bench.batch_size},
                     {"warmup", bench.warmup},
                     {"steps_per_epoch", bench.steps_per_epoch},
                     {"networks", networks}};
  return dump(json, 2) + "\n";
}

}  // namespace scnn
