#include "scnn/train/evaluate.h"

#include "catch.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("evaluation gives the mean loss and the share of right answers, whatever the batch size") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 8, 8);
  net.layer("f", FlattenSpec{}).layer("fc", LinearSpec{4, true});
  Graph graph(net.spec(), *backend);
  // All weights 0: every class is equally likely, and the first of equals wins.
  const ImageSet& test = small_data().test;
  std::int64_t first_class = 0;
  for (const std::int32_t label : test.labels.values<std::int32_t>()) first_class += label == 0 ? 1 : 0;
  for (const std::int64_t batch : {7, 256}) {
    const Metrics metrics = evaluate(graph, test, small_data().normalization, batch);
    CHECK(metrics.images == test.size());
    CHECK(metrics.loss == Approx(std::log(4.0)));
    CHECK(metrics.top1 == Approx(static_cast<double>(first_class) / static_cast<double>(test.size())));
  }
}
