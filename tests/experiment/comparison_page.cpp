#include <cstdlib>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "fake_run.h"
#include "scnn/experiment/report.h"

using namespace scnn;

namespace {

nlohmann::json data_of(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

}  // namespace

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
  const nlohmann::json data = data_of(page);
  REQUIRE(data["runs"][0]["label"] == "fake seed 3");
  REQUIRE(data["runs"][1]["label"] == "fake seed 4");
  REQUIRE(data["runs"][2]["label"] == "other");
  REQUIRE(data["runs"][0]["file_bytes"] == runs[0].result->file_bytes);
  REQUIRE(data["runs"][3]["top1"].is_null());
  REQUIRE(page.find("1 of 4 runs have no result yet") != std::string::npos);
  if (const char* keep = std::getenv("SCNN_KEEP_REPORTS")) {
    write_file(std::filesystem::path(keep) / "run.html", run_page(runs[0]));
    write_file(std::filesystem::path(keep) / "comparison.html", page);
  }
}
