// What a sweep's runs come to: means, deviations, the Pareto front, the files.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "experiment_files.h"
#include "fake_run.h"
#include "sweep/page.h"
#include "sweep/sweep.h"

using namespace scnn;

namespace {

SweepRow row(double top1, double bytes, bool complete = true) {
  SweepRow one;
  one.runs = 1;
  one.done = complete ? 1 : 0;
  one.top1.mean = top1;
  one.file_bytes.mean = bytes;
  return one;
}

std::vector<bool> front(std::vector<SweepRow> rows) {
  mark_pareto(rows);
  std::vector<bool> marks;
  for (const SweepRow& one : rows) marks.push_back(one.pareto);
  return marks;
}

/// Two points of two seeds; the last run has not been made.
SweepPlan fake_sweep(const std::filesystem::path& folder) {
  SweepPlan plan;
  plan.name = "fake, \"quoted\"";
  plan.keys = {"compression.gamma", "logging.sinks"};
  plan.points.resize(2);
  for (std::size_t p = 0; p < 2; ++p) {
    plan.points[p].values = {p == 0 ? "0.1" : "0.2", "[csv, jsonl]"};
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      Experiment experiment = test::fake_experiment();
      experiment.seed = seed;
      plan.points[p].runs.push_back({"p" + std::to_string(p) + "s" + std::to_string(seed), experiment});
      if (p == 0 || seed == 0) {
        const double strength = 0.2 * static_cast<double>(p + seed + 1);
        (void)test::fake_run(folder / "runs" / plan.points[p].runs.back().name, experiment, 6, strength);
      }
    }
  }
  return plan;
}

}  // namespace

TEST_CASE("mean and sample deviation", "[sweep]") {
  CHECK_FALSE(spread_of({}).deviation);
  CHECK(spread_of({3}).mean == 3);
  CHECK_FALSE(spread_of({3}).deviation);
  // By hand: mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 7.
  const Spread spread = spread_of({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(spread.mean == 5);
  CHECK(std::abs(spread.deviation.value() - std::sqrt(32.0 / 7.0)) < 1e-12);
}

TEST_CASE("the front holds what nothing else beats in both", "[sweep]") {
  using Marks = std::vector<bool>;
  CHECK(front({row(0.9, 100), row(0.8, 50), row(0.7, 60)}) == Marks{true, true, false});
  CHECK(front({row(0.9, 100), row(0.9, 90)}) == Marks{false, true});
  CHECK(front({row(0.9, 100), row(0.91, 100)}) == Marks{false, true});
  CHECK(front({row(0.9, 100), row(0.9, 100)}) == Marks{true, true});
  CHECK(front({row(0.9, 100), row(0.99, 10, false)}) == Marks{true, false});
  CHECK(front({}).empty());
}

TEST_CASE("the table tells what is done and what is not", "[sweep]") {
  const test::TemporaryFolder place;
  const SweepPlan plan = fake_sweep(place.path());
  const SweepTable table = sweep_table(place.path(), plan, {{"p1s1", {"p1s1", 139, "ended by signal 11"}}});
  CHECK(table.runs == 4);
  CHECK(table.done == 3);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0].complete());
  CHECK((table.rows[1].done == 1 && !table.rows[1].pareto));
  // fake_run: 0.905 - 0.01 * strength.
  CHECK(std::abs(table.rows[0].top1.mean - 0.902) < 1e-12);
  CHECK(std::abs(table.rows[0].top1.deviation.value() - 0.002 / std::sqrt(2.0)) < 1e-12);
  REQUIRE(table.failures.size() == 1);

  const std::string csv = sweep_csv(plan, table);
  CHECK(test::contains(csv, "point,baseline,compression.gamma,logging.sinks,runs,done,pareto,top1,top1_deviation,"));
  CHECK(test::contains(csv, "\n1,false,0.1,\"[csv, jsonl]\",2,2,true,0.902000,0.001414,"));
  CHECK(test::contains(csv, "\n2,false,0.2,\"[csv, jsonl]\",2,1,false,0.901000,,"));
  const auto json = nlohmann::json::parse(sweep_json(place.path(), plan, table));
  CHECK(json["points"][1]["settings"]["compression.gamma"] == "0.2");
  CHECK(json["points"][1]["top1"]["deviation"].is_null());
  CHECK(json["failures"][0]["exit_code"] == 139);
  CHECK(test::contains(sweep_text(plan, table), "1 of 2"));

  const std::string page = sweep_page(place.path(), plan, table);
  CHECK(test::contains(page, "fake, &quot;quoted&quot;: a sweep of 2 points"));
  CHECK(test::contains(page, "1 of 4 runs are not done"));
  CHECK(test::contains(page, "ended by signal 11"));
  // By hand: 0.905 - 0.01 * (0.2, 0.4), and their deviation.
  const auto pareto = test::page_figure(page, "pareto");
  REQUIRE(pareto["series"].size() == 1);  // the other point lacks a run
  CHECK(pareto["series"][0]["label"] == "Pareto front");
  const auto point = pareto["series"][0]["points"][0];
  CHECK(point["name"] == "gamma=0.1");
  CHECK(std::abs(point["y"].get<double>() - 90.2) < 1e-9);
  CHECK(std::abs(point["ys"][0].get<double>() - (90.2 - 0.2 / std::sqrt(2.0))) < 1e-9);
  CHECK(test::contains(page, "scnn sweep --resume"));
  CHECK(test::contains(page, "<td>1</td><td class=\"text\">yes</td><td class=\"text\">0.1</td>"));
  CHECK(sweep_figures(plan, table).size() == 2);
  CHECK(sweep_figures(plan, sweep_table(place.path() / "elsewhere", plan)).empty());
}

TEST_CASE("a run's status is what its folder says", "[sweep]") {
  using State = SweepRunStatus::State;
  const test::TemporaryFolder place;
  CHECK(sweep_run_status(place.path(), "none").state == State::waiting);
  (void)test::fake_run(place / "runs/done", test::fake_experiment());
  CHECK(sweep_run_status(place.path(), "done").state == State::done);
  place.write("runs/done/result.json", "{");
  CHECK(sweep_run_status(place.path(), "done").state == State::partial);
  {
    RunFolder folder = RunFolder::create(test::fake_experiment(), {}, place / "runs/open");
    CHECK(sweep_run_status(place.path(), "open").state == State::partial);
    folder.finish(RunState::failed, 6, "not a number");
  }
  const SweepRunStatus failed = sweep_run_status(place.path(), "open");
  CHECK((failed.state == State::failed && failed.exit_code == 6 && failed.message == "not a number"));
  place.write("runs/open/run.json", "[]");
  CHECK(sweep_run_status(place.path(), "open").exit_code == 7);
}

TEST_CASE("a shard is one of several", "[sweep]") {
  SweepOptions options;
  parse_shard("2/4", options);
  CHECK((options.shard == 2 && options.shards == 4));
  for (const char* text : {"0/4", "5/4", "-1/4", "1", "1/", "/4", "1/4x", "", "1/0"}) {
    CHECK_THROWS_AS(parse_shard(text, options), Error);
  }
}
