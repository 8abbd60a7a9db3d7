#include "measure/deploy_bench.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace scnn;

namespace {

DeployBench example_bench() {
  DeployBench bench;
  bench.cpu = "some CPU";
  bench.rounds = 7;
  DeployRow row;
  row.model = "a<b";
  row.engine = "scnn runtime";
  row.file_bytes = 12'345;
  row.load_seconds = 0.0015;
  row.memory_bytes = 2'000'000;
  row.latency = 0.00025;
  row.batch_seconds = 0.032;
  row.faster_latency = 2;
  row.faster_batch = 4;
  bench.rows.push_back(row);
  DeployRow missing;
  missing.model = "a<b";
  missing.engine = "ONNX Runtime, before";
  missing.missing = "no reason & none";
  bench.rows.push_back(missing);
  return bench;
}

}  // namespace

TEST_CASE("a bench's table shows units, and why something was not measured") {
  const std::string text = deploy_table(example_bench());
  for (const char* cell : {"12,345", "1.50", "2,000", "0.250", "2,000", "2.00", "4.00", "some CPU", "medians of 7",
                           "not measured: no reason & none"}) {
    INFO(cell);
    CHECK(text.find(cell) != std::string::npos);
  }
  CHECK(text.find("nan") == std::string::npos);
}

TEST_CASE("a bench's JSON has null for what was not measured") {
  const auto json = nlohmann::json::parse(deploy_json(example_bench()));
  CHECK(json["rows"][0]["images_per_second"] == 2000);
  CHECK(json["rows"][0]["missing"].is_null());
  CHECK(json["rows"][1]["latency_seconds"].is_null());
  CHECK(json["rows"][1]["file_bytes"].is_null());
  CHECK(json["rows"][1]["missing"] == "no reason & none");
  CHECK(json["onnx_call_seconds"].is_null());
}

TEST_CASE("a bench's page is one file with its charts") {
  const std::string page = deploy_page(example_bench());
  for (const char* part : {"a&lt;b", "no reason &amp; none", "12,345", "<svg", "id=\"latency\""}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(page.find("a<b") == std::string::npos);
  CHECK(page.find(" src=") == std::string::npos);
}
