// Bits by channel over the epochs: what is in the map, its CSV and its drawing.
#include "report/heat_map.h"

#include <cmath>

#include "catch.h"
#include "experiment_files.h"
#include "fake_run.h"
#include "report/html.h"

using namespace scnn;

namespace {

/// Three epochs, of which the second has no record; channel 1 of conv goes, then all of it.
RunHistory mapped_history() {
  RunHistory history;
  history.epochs.resize(3);
  for (std::size_t i = 0; i < 3; ++i) history.epochs[i].epoch = static_cast<std::int64_t>(i + 1);
  const LayerStatus whole = test::fake_layer("float", 2, {0, 1}, {32, 32});
  history.layers = {{test::fake_layer("conv", 3, {0, 1, 2}, {4, 2, 1}), whole, test::fake_layer("fc", 1, {0}, {8})},
                    {},
                    {test::fake_layer("conv", 3, {0, 2}, {3.5, 0.25F}), whole, test::fake_layer("fc", 1, {0}, {6})}};
  return history;
}

}  // namespace

TEST_CASE("a heat map keeps channels in their original order") {
  const HeatMap map = heat_map(mapped_history());
  CHECK(map.epochs == std::vector<std::int64_t>{1, 3});
  CHECK(map.channels() == 4);
  CHECK(map.top == 8);
  // The layer without a quantizer is not there.
  CHECK(heat_csv(map) == "layer,channel,1,3\nconv,0,4,3.5\nconv,1,2,\nconv,2,1,0.25\nfc,0,8,6\n");
  CHECK(heat_csv(one_layer(map, 1)) == "layer,channel,1,3\nfc,0,8,6\n");
  CHECK(one_layer(map, 0).top == 8);
  RunHistory damaged = mapped_history();
  damaged.layers[0][0].channels = {0, -1, 99};
  CHECK(std::isnan(heat_map(damaged).layers[0].bits[2][0]));
  CHECK(heat_map({}).layers.empty());
}

TEST_CASE("a heat map's drawing leaves removed channels out") {
  const std::string svg = heat_svg(heat_map(mapped_history()));
  CHECK(test::contains(svg, "M0 0h1v1h-1z"));        // conv 0, first epoch
  CHECK(test::contains(svg, "M0 1h1v1h-1z"));        // conv 1, first epoch
  CHECK_FALSE(test::contains(svg, "M1 1h1v1h-1z"));  // and in the last: gone
  CHECK(test::contains(svg, "M1 3h1v1h-1z"));        // fc 0
  CHECK(test::contains(svg, ">conv</text>"));
  CHECK(test::contains(svg, ">3</text>"));  // the last epoch
  const std::string one = heat_svg(one_layer(heat_map(mapped_history()), 0));
  CHECK(test::contains(one, ">channel</text>"));
  // Shades run from dark to light.
  CHECK(heat_shade(0) == "#440154");
  CHECK(heat_shade(heat_shades - 1) == "#fde725");
  CHECK((heat_level(0, 8) == 0 && heat_level(8, 8) == heat_shades - 1 && heat_level(99, 8) == heat_shades - 1));
}

TEST_CASE("a heat map of many epochs is downsampled to the last one") {
  HeatMap map;
  map.layers.push_back({"conv", {{}}});
  for (int e = 1; e <= 1000; ++e) {
    map.epochs.push_back(e);
    map.layers[0].bits[0].push_back(static_cast<float>(e));
  }
  const HeatMap few = downsampled(map, 250);
  CHECK(few.epochs.size() <= 250);
  CHECK(few.epochs.size() > 190);
  CHECK(few.epochs.back() == 1000);
  for (std::size_t i = 0; i < few.epochs.size(); ++i)
    CHECK(few.layers[0].bits[0][i] == static_cast<float>(few.epochs[i]));
  CHECK(downsampled(map, 1000).epochs.size() == 1000);
}

TEST_CASE("a report's files are drawings with their data") {
  Figure figure;
  figure.id = "one";
  figure.series.emplace_back();
  std::vector<std::string> names;
  for (const ReportFile& file : figure_files({figure}, heat_map(mapped_history()))) names.push_back(file.name);
  RunHistory strange = mapped_history();
  strange.layers[0][0].layer = "../up";
  CHECK(figure_files({}, heat_map(strange))[2].name == "bits-.._up.svg");
  CHECK(names ==
        std::vector<std::string>{"one.svg", "one.csv", "bits.svg", "bits.csv", "bits-conv.svg", "bits-fc.svg"});
}
