#include <cstdlib>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "fake_run.h"
#include "report/report.h"

using namespace scnn;

TEST_CASE("runs side by side are told apart") {
  const test::TemporaryFolder place;
  Experiment other = test::fake_experiment("other");
  Experiment again = test::fake_experiment();
  again.seed = 4;
  std::vector<ReportRun> runs;
  runs.push_back(load_report_run(test::fake_run(place.path() / "1", test::fake_experiment()).path()));
  runs.push_back(load_report_run(test::fake_run(place.path() / "2", again, 6, 0.7).path()));
  runs.push_back(load_report_run(test::fake_run(place.path() / "3", other, 6, 0.1).path()));
  runs.push_back(load_report_run(RunFolder::create(test::fake_experiment("new"), {}, place.path() / "4").path()));
  const std::string page = comparison_page(runs);
  const nlohmann::json sizes = test::page_figure(page, "sizes");
  REQUIRE(sizes["series"][0]["label"] == "fake seed 3");
  REQUIRE(sizes["series"][1]["label"] == "fake seed 4");
  REQUIRE(sizes["series"][2]["label"] == "other");
  REQUIRE(sizes["series"][3]["points"].empty());
  const nlohmann::json pareto = test::page_figure(page, "pareto");
  REQUIRE(pareto["series"][0]["points"].size() == 3);
  REQUIRE(pareto["series"][0]["points"][0]["x"] == Approx(static_cast<double>(runs[0].result->file_bytes) / 1000));
  REQUIRE(page.find("1 of 4 runs have no result yet") != std::string::npos);
  REQUIRE(comparison_figures(runs).size() == 10);
  REQUIRE(test::page_figure(comparison_page({runs[3]}), "pareto").is_null());
  if (const char* keep = std::getenv("SCNN_KEEP_REPORTS")) {
    write_file(std::filesystem::path(keep) / "run.html", run_page(runs[0]));
    write_file(std::filesystem::path(keep) / "comparison.html", page);
  }
}
