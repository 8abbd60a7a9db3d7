#include "run/compare.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "scnn/core/error.h"

using namespace scnn;

TEST_CASE("a comparison holds what differs, what one side lacks, and all metrics") {
  const Comparable a{"a", {{"seed", "0"}, {"train.epochs", "3"}, {"compression.gamma", "0.1"}}, {{"test_top1", 0.5}}};
  const Comparable b{"b", {{"seed", "0"}, {"train.epochs", "4"}}, {{"step", 12.0}, {"test_top1", 0.75}}};
  const Comparison comparison = compare(a, b);
  REQUIRE(comparison.settings.size() == 2);
  REQUIRE(comparison.settings[0].key == "compression.gamma");
  REQUIRE_FALSE(comparison.settings[0].b);
  REQUIRE(comparison.settings[1].b == "4");
  REQUIRE(comparison.metrics.size() == 2);
  REQUIRE_FALSE(comparison.metrics[1].a);
  const std::string text = comparison_text(comparison);
  REQUIRE(text.find("+0.2500") != std::string::npos);
  REQUIRE(text.find("seed") == std::string::npos);
  const auto json = nlohmann::json::parse(comparison_json(comparison));
  REQUIRE(json["metrics"]["test_top1"]["b"] == 0.75);
  REQUIRE(json["metrics"]["step"]["a"].is_null());
  REQUIRE(json["settings"]["compression.gamma"]["b"].is_null());
}

TEST_CASE("what cannot be compared is refused") { REQUIRE_THROWS_AS(load_comparable("no/such/run"), Error); }
