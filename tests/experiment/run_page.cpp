#include <nlohmann/json.hpp>

#include "catch.h"
#include "experiment/report/assets.h"
#include "experiment/report/html.h"
#include "fake_run.h"
#include "scnn/experiment/report.h"

using namespace scnn;

namespace {

nlohmann::json data_of(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("a report is one file with everything in it") {
  const test::TemporaryFolder place;
  const RunFolder folder = test::fake_run(place.path() / "run", test::fake_experiment());
  const ReportRun run = load_report_run(folder.path());
  const std::string page = run_page(run);
  REQUIRE(page.find("src=") == std::string::npos);
  REQUIRE(page.find("<link") == std::string::npos);
  REQUIRE(page.find("@import") == std::string::npos);
  REQUIRE(page.find("89.50%") != std::string::npos);  // top-1 of result.json
  REQUIRE(page.find("name: fake") != std::string::npos);
  REQUIRE(page.find("block.conv_a") != std::string::npos);
  REQUIRE(page.find("scnn resume") == std::string::npos);
  const nlohmann::json data = data_of(page);
  REQUIRE(data["epochs"].size() == 6);
  REQUIRE(data["layers"].size() == 4);
  REQUIRE(data["layers"][0]["original_channels"] == 32);
  REQUIRE(data["heat"]["epochs"].size() == 6);
  REQUIRE(data["heat"]["bits"][3].size() == 6);
  REQUIRE(data["removed"].size() == 5);
  REQUIRE(data["epochs"][5]["packed_bytes"] == Approx(static_cast<double>(run.history.epochs[5].size.packed_bits) / 8));
  // Every chart of the script has its place.
  const std::string js(report_js());
  for (const char* id : {"accuracy", "size", "seconds", "channels", "bits", "heat"}) {
    INFO(id);
    REQUIRE(count(page, "id=\"" + std::string(id) + "\"") == 1);
    REQUIRE(js.find("\"" + std::string(id) + "\"") != std::string::npos);
  }
}

TEST_CASE("text from outside stays text") {
  const test::TemporaryFolder place;
  Experiment evil = test::fake_experiment();
  evil.name = "a</script><img alt=x onerror=alert(1)>&\"'";
  evil.yaml = "name: </pre><script>alert(2)</script>\n";
  const RunFolder folder = test::fake_run(place.path() / "<b>run", evil, 2);
  const std::string one = run_page(load_report_run(folder.path()));
  const std::string two = comparison_page({load_report_run(folder.path())});
  const std::size_t scripts = count(
      run_page(load_report_run(test::fake_run(place.path() / "run", test::fake_experiment(), 2).path())), "<script");
  for (const std::string& page : {one, two}) {
    REQUIRE(page.find("<img") == std::string::npos);
    REQUIRE(page.find("<script>alert") == std::string::npos);
    REQUIRE(page.find("<b>run") == std::string::npos);
    REQUIRE(count(page, "<script") == scripts);
    REQUIRE(data_of(page).is_object());
  }
  REQUIRE(data_of(two)["runs"][0]["label"] == evil.name);
  REQUIRE(html_escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#39;");
}

TEST_CASE("an unfinished run has a report that says so") {
  const test::TemporaryFolder place;
  RunFolder folder = RunFolder::create(test::fake_experiment(), {}, place.path() / "run");
  REQUIRE(run_page(load_report_run(folder.path())).find("still training") != std::string::npos);
  {
    RunRecorder recorder(folder, LoggingOptions{});
    test::play(recorder, 2);
  }
  folder.finish(RunState::failed, 6, "NaN in step 12");
  const std::string page = run_page(load_report_run(folder.path()));
  REQUIRE(page.find("failed: NaN in step 12") != std::string::npos);
  REQUIRE(page.find("scnn resume") != std::string::npos);
  REQUIRE(page.find("validation top-1") != std::string::npos);
}

TEST_CASE("charts come with their licence") {
  if (chart_js().empty()) SCNN_SKIP("this build found no Chart.js (libjs-chart.js)");
  REQUIRE(chart_js().find("MIT License") != std::string_view::npos);
  REQUIRE(chart_js().find("</script") == std::string_view::npos);
  REQUIRE(report_js().find("</script") == std::string_view::npos);
  REQUIRE_FALSE(report_css().empty());
}
