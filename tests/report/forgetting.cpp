#include "report/forgetting.h"

#include "catch.h"
#include "fake_run.h"

using namespace scnn;
using Catch::Matchers::Contains;

namespace {

/// Three epochs: a channel of conv1 dies in the second and leaves in the third, one of conv2 dies in the first and
/// comes back.
RunHistory falling_history() {
  RunHistory h;
  h.layers = {{test::fake_layer("conv1", 4, {0, 1, 2, 3}, {8, 8, 8, 8}), test::fake_layer("conv2", 2, {0, 1}, {4, 0})},
              {test::fake_layer("conv1", 4, {0, 1, 2, 3}, {4, 0, 4, 4}), test::fake_layer("conv2", 2, {0, 1}, {3, 1})},
              {test::fake_layer("conv1", 4, {0, 2, 3}, {3, 4, 4}), test::fake_layer("conv2", 2, {0, 1}, {3, 1})}};
  for (auto& layers : h.layers) layers.push_back(test::fake_layer("fc", 2, {0, 1}, {8, 8}));
  const double top1[] = {0.80, 0.70, 0.71};
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    EpochRecord record;
    record.epoch = epoch;
    record.evaluation = Metrics{1, top1[epoch - 1], 100};
    h.epochs.push_back(record);
  }
  h.removals = {{3, 30, "conv1", 1, 0}};
  return h;
}

}  // namespace

TEST_CASE("deaths, revivals and the fastest fall are read from the bits by epoch") {
  const std::vector<LayerForgetting> all = forgetting(falling_history());
  REQUIRE(all.size() == 2);  // fc's bits never changed
  CHECK(all[0].layer == "conv1");
  CHECK(all[0].fastest == 5.0);  // 8 to 3 on average
  CHECK(all[0].fastest_epoch == 2);
  CHECK(all[0].died == 1);  // leaving is not a second death
  CHECK(all[0].first_death == 2);
  CHECK(all[0].last_death == 2);
  CHECK(all[1].died == 1);  // every channel lives when training begins
  CHECK(all[1].first_death == 1);
  CHECK(all[1].revived == 1);

  RunHistory fork = falling_history();  // of epochs 4 to 6: who died when is not known of the first
  for (EpochRecord& epoch : fork.epochs) epoch.epoch += 3;
  CHECK(forgetting(fork)[1].died == 0);

  RunHistory one = falling_history();
  one.epochs.resize(1);
  one.layers.resize(1);
  REQUIRE(forgetting(one).size() == 1);
  CHECK(forgetting(one)[0].layer == "conv2");
}

TEST_CASE("dips are evaluations that got worse while channels died or left") {
  RunHistory h = falling_history();
  REQUIRE(dips(h).size() == 1);
  CHECK(dips(h)[0].epoch == 2);
  CHECK(dips(h)[0].top1 == Approx(0.10));
  CHECK(dips(h)[0].died == 1);
  CHECK(dips(h)[0].removed == 0);
  h.epochs[2].evaluation->top1 = 0.5;  // deeper, and a channel left
  REQUIRE(dips(h).size() == 2);
  CHECK(dips(h)[0].epoch == 3);
  CHECK(dips(h)[0].removed == 1);
  h.epochs[1].evaluation.reset();  // deaths count from one evaluation to the next
  REQUIRE(dips(h).size() == 1);
  CHECK(dips(h)[0].died == 1);
}

TEST_CASE("the section is there where bits were learned") {
  RunHistory h = falling_history();
  CHECK_THAT(forgetting_html(h), Contains("<h2>Forgetting</h2>") && Contains("epoch 2: 10.00 points"));
  CHECK(forgetting_figures(h).size() == 1);
  h.layers[0][1] = test::fake_layer("conv2", 2, {0, 1}, {4, 4});
  h.layers = {h.layers[0], h.layers[0], h.layers[0]};
  CHECK(forgetting_html(h).empty());
  CHECK(forgetting_figures(h).empty());
}
