#include <nlohmann/json.hpp>

#include "catch.h"
#include "experiment_files.h"
#include "fake_run.h"
#include "report/assets.h"
#include "report/html.h"
#include "report/report.h"

using namespace scnn;
using test::count;

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
  REQUIRE(test::contains(page, "Permission is hereby granted, free of charge"));  // of Chart.js
  // Every chart has a canvas, a drawing for print and its data.
  for (const char* id : {"accuracy", "size", "seconds", "left", "efficiency", "channels", "layer-bits", "fall"}) {
    INFO(id);
    REQUIRE(count(page, "<canvas id=\"" + std::string(id) + "\"") == 1);
    REQUIRE(test::page_figure(page, id).is_object());
  }
  REQUIRE(count(page, "<svg ") == 8);
  const nlohmann::json size = test::page_figure(page, "size");
  REQUIRE(size["series"][0]["label"] == "packed");
  REQUIRE(size["series"][0]["points"].size() == 6);
  REQUIRE(size["series"][0]["points"][5]["y"] ==
          Approx(static_cast<double>(run.history.epochs[5].size.packed_bits) / 8000));
  const nlohmann::json channels = test::page_figure(page, "channels");
  REQUIRE(channels["categories"][2] == "block.conv_a");
  REQUIRE(channels["series"][0]["points"][0]["y"] == 32);
  REQUIRE(channels["series"][1]["points"][0]["y"] == 6);  // 32 * (1 - 0.8)
  const nlohmann::json bits = test::page_figure(page, "layer-bits");
  REQUIRE(bits["series"][0]["points"][0]["ys"][0] == Approx(3.0));  // 8 - (4.5 + 0.1 * 5): channels 0 to 5
  const nlohmann::json heat = test::page_data(page)["heat"];
  REQUIRE(heat["layers"].size() == 4);
  REQUIRE(test::contains(heat["csv"], "layer,channel,1,2,3,4,5,6\nconv1,0,"));
  REQUIRE(count(heat["csv"], "\n") == 1 + 32 + 64 + 64 + 10);
  REQUIRE(test::contains(page, "conv1: 6 of 32 channels left"));
  REQUIRE(test::contains(page, "1.0e-07"));  // the largest change of a logit at a removal
  REQUIRE(test::contains(page, "scnn run " + (folder.path() / "config.yaml").string()));
}

TEST_CASE("a page says what is missing and shows the rest") {
  const test::TemporaryFolder place;
  const RunFolder folder = test::fake_run(place.path() / "run", test::fake_experiment(), 1);
  const std::string one = run_page(load_report_run(folder.path()));  // one epoch: points without lines
  REQUIRE(test::page_figure(one, "accuracy")["x"]["min"] == 0);
  REQUIRE(test::page_figure(one, "accuracy")["x"]["max"] == 2);
  std::filesystem::remove(folder.file("bits.jsonl"));
  const std::string without_bits = run_page(load_report_run(folder.path()));
  REQUIRE(test::contains(without_bits, "no record of the layers"));
  REQUIRE(test::page_data(without_bits)["heat"].is_null());
  REQUIRE(test::page_data(without_bits)["figures"].size() == 5);
  for (const char* name : {"metrics.jsonl", "config.yaml", "result.json", "epochs.csv"})
    std::filesystem::remove(folder.file(name));
  const std::string nothing = run_page(load_report_run(folder.path()));
  REQUIRE(test::contains(nothing, "No epoch has been recorded"));
  REQUIRE(count(nothing, "<canvas id=") == 0);
  REQUIRE(run_figures(load_report_run(folder.path())).empty());
}

TEST_CASE("text from outside stays text") {
  const test::TemporaryFolder place;
  Experiment evil = test::fake_experiment();
  evil.name = "a</script><img alt=x onerror=alert(1)>&\"'";
  evil.yaml = "name: </pre><script>alert(2)</script>\n";
  const RunFolder folder = test::fake_run(place.path() / "<b>run", evil, 2);
  const std::string one = run_page(load_report_run(folder.path()));
  const std::string two = comparison_page({load_report_run(folder.path())});
  const int scripts = count(
      run_page(load_report_run(test::fake_run(place.path() / "run", test::fake_experiment(), 2).path())), "<script");
  for (const std::string& page : {one, two}) {
    REQUIRE(page.find("<img") == std::string::npos);
    REQUIRE(page.find("<script>alert") == std::string::npos);
    REQUIRE(page.find("<b>run") == std::string::npos);
    REQUIRE(count(page, "<script") == scripts);
    REQUIRE(test::page_data(page).is_object());
  }
  REQUIRE(test::page_figure(two, "sizes")["series"][0]["label"] == evil.name);
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
