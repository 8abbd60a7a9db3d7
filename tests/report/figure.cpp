// Charts described once: their scales, CSV and SVG.
#include "report/figure.h"

#include <cmath>

#include "catch.h"
#include "experiment_files.h"
#include "fake_run.h"
#include "record/csv.h"
#include "report/html.h"

using namespace scnn;

namespace {

Point at(double x, double y) {
  Point point;
  point.x = x;
  point.y = y;
  return point;
}

Figure lines(std::vector<std::vector<Point>> series) {
  Figure figure;
  figure.id = "lines";
  figure.title = "a < b";
  figure.x = epoch_axis();
  figure.y.title = "seconds, all";
  for (auto& points : series) {
    figure.series.emplace_back().points = std::move(points);
    figure.series.back().label = std::string("s").append(std::to_string(figure.series.size()));
  }
  return figure;
}

std::vector<double> values(const std::vector<std::pair<double, std::string>>& ticks) {
  std::vector<double> list;
  for (const auto& tick : ticks) list.push_back(tick.first);
  return list;
}

}  // namespace

TEST_CASE("fields of CSV are quoted where they must be") {
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"b\"\n") == "\"say \"\"b\"\"\n\"");
}

TEST_CASE("ticks are round numbers") {
  CHECK(values(linear_ticks(0, 10, 5, false)) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(values(linear_ticks(1, 3, 7, true)) == std::vector<double>{1, 2, 3});
  CHECK(values(linear_ticks(0, 412, 7, false)) == std::vector<double>{0, 100, 200, 300, 400});
  const auto fine = linear_ticks(0.911, 0.934, 6, false);
  CHECK(fine.front().second == "0.915");
  CHECK(linear_ticks(-0.2, 0.2, 4, false)[2].second == "0.0");
}

TEST_CASE("an axis holds its values, whiskers included") {
  Figure figure = lines({{at(1, 4), at(2, 8)}});
  CHECK(x_scale(figure).low == 1);
  CHECK(x_scale(figure).high == 2);
  CHECK(y_scale(figure).low < 4);
  figure.y.from_zero = true;
  CHECK(y_scale(figure).low == 0);
  figure.series[0].points[0].y_low = -3;
  CHECK(y_scale(figure).low < -3);
  figure.series[0].points = {at(1, std::nan("")), at(2, 5)};
  CHECK((x_scale(figure).low == 1 && x_scale(figure).high == 3));  // one point: room on both sides
  const double third = 100.0 / 3;
  figure.series[0].points = {at(1, third), at(2, std::nextafter(third, 100.0))};  // no endless list of ticks between
  figure.y.from_zero = false;
  CHECK(y_scale(figure).ticks.size() < 12);
  figure.series.clear();
  CHECK(y_scale(figure).share(y_scale(figure).high) == 1);

  Figure wide = lines({{at(10, 1), at(1000, 1)}});
  wide.x = {"bytes", 0, false, false, true};
  const Scale scale = x_scale(wide);
  CHECK(scale.logarithmic);
  CHECK(scale.share(100) == Approx(0.5));
  CHECK(values(scale.ticks) == std::vector<double>{10, 20, 50, 100, 200, 500, 1000});
  wide.series[0].points[1].x = 20;  // too near for a logarithmic axis to have ticks
  CHECK_FALSE(x_scale(wide).logarithmic);
}

TEST_CASE("a figure's CSV has a line for each x and a column for each series") {
  CHECK(figure_csv(lines({{at(1, 0.1), at(2, 1e6 / 3)}, {at(2, 5), at(3, std::nan(""))}})) ==
        "epoch,s1,s2\n1,0.1,\n2,333333.3333,5\n3,,\n");
  Figure bars = lines({{at(0, 2.5), at(1, 4)}});
  bars.kind = Figure::Kind::bars;
  bars.x.title = "layer";
  bars.categories = {"conv1", "fc"};
  bars.series[0].points[0].y_low = 1;
  bars.series[0].points[0].y_high = 3;
  CHECK(figure_csv(bars) == "layer,s1,s1 low,s1 high\nconv1,2.5,1,3\nfc,4,,\n");
  Figure points = lines({{at(10, 90)}});
  points.kind = Figure::Kind::points;
  points.series[0].points[0].name = "lr=0.1 \"x\"";
  CHECK(figure_csv(points) == "series,name,epoch,\"seconds, all\"\ns1,\"lr=0.1 \"\"x\"\"\",10,90\n");
}

TEST_CASE("a figure's drawing puts values where its scale says") {
  const std::string svg = figure_svg(lines({{at(1, 0), at(3, 10)}, {at(2, 5)}}));
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(test::contains(svg, "<title>a &lt; b</title>"));
  CHECK(test::contains(svg, ">seconds, all</text>"));
  // The middle point of the second series: a rect on x 2 of 1 to 3 (left 30 + 2 letters of 6.6, right 466).
  CHECK(test::contains(svg, "<path d=\"M254.6 "));
  // Dashes and marks differ beside colours.
  CHECK(test::contains(svg, "stroke-dasharray=\"6 3\""));
  CHECK(test::contains(svg, "<circle "));
  std::vector<Point> many;
  for (int i = 1; i <= 300; ++i) many.push_back(at(i, i));
  CHECK_FALSE(test::contains(figure_svg(lines({many})), "<circle "));
  const std::string gap = figure_svg(lines({{at(1, std::nan("")), at(2, 1)}}));
  CHECK_FALSE(test::contains(gap, "nan"));
}
