#include "run/network_table.h"

#include "catch.h"
#include "scnn/backend/backend.h"

using namespace scnn;

namespace {

/// 1 x 6 x 6 -> conv -> relu -> add(conv, relu) -> flatten -> linear.
NetworkSpec example() {
  Conv2dSpec conv;
  conv.out = 4;
  conv.kernel = {3, 3};
  conv.padding = Padding::same;
  conv.bias = true;
  LinearSpec linear;
  linear.out = 5;
  linear.bias = false;
  return {{"input", InputSpec{1, 6, 6}, {}, ""}, {"conv", conv, {0}, ""},
          {"relu", ReluSpec{}, {1}, ""},         {"add", AddSpec{}, {1, 2}, ""},
          {"flatten", FlattenSpec{}, {3}, ""},   {"fc", linear, {4}, ""}};
}

}  // namespace

TEST_CASE("the network's table tells shapes, parameters and multiply-adds") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  Graph graph(example(), *backend);
  const std::vector<LayerRow> rows = layer_rows(graph);
  REQUIRE(rows.size() == 6);
  REQUIRE(rows[0].shape == "6 x 6 x 1");
  REQUIRE(rows[1].type == "conv2d");
  REQUIRE(rows[1].shape == "6 x 6 x 4");
  REQUIRE(rows[1].parameters == 4 * 9 + 4);
  REQUIRE(rows[1].macs == 36 * 4 * 9);
  REQUIRE(rows[1].inputs.empty());
  REQUIRE(rows[3].inputs == "conv, relu");
  REQUIRE(rows[4].shape == "144");
  REQUIRE(rows[5].shape == "5");
  REQUIRE(rows[5].parameters == 5 * 144);
  const std::string text = network_table(graph);
  REQUIRE(text.find("760") != std::string::npos);    // all parameters
  REQUIRE(text.find("2,016") != std::string::npos);  // all multiply-adds
}

TEST_CASE("text in columns") {
  REQUIRE(text_table({{"a", "n"}, {"bb", "10"}, {"c", "5"}}) == "a    n\n------\nbb  10\nc    5\n");
  // A column with nothing in it is left out.
  REQUIRE(text_table({{"a", "", "n"}, {"b", "", "1"}}) == "a  n\n----\nb  1\n");
}
