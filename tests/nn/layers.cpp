#include "catch.h"
#include "network.h"
#include "nn/layers/pool.h"
#include "scnn/nn/parameter.h"
#include "scnn/nn/spec.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

TEST_CASE("layer types have the names that experiments use") {
  CHECK(std::string(type_name(Conv2dSpec{})) == "conv2d");
  CHECK(std::string(type_name(PoolSpec{})) == "max_pool2d");
  CHECK(std::string(type_name(global_average())) == "global_avg_pool");
  CHECK(make_layer({"x", ReluSpec{}, {0}, ""})->name() == "x");
}

TEST_CASE("pools infer their extents and refuse windows that cannot be") {
  const auto backend = backend_for(Device{}, {1});
  PoolSpec pool;
  pool.kernel = {3, 2};
  pool.stride = {2, 2};
  pool.pad = {1, 0};
  NetworkBuilder net(2, 7, 6);
  net.layer("p", pool).layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, true});
  Graph graph(net.spec(), *backend);
  CHECK(node(graph, "p").edge.h == 4);
  CHECK(node(graph, "p").edge.w == 3);
  CHECK(parameter(graph, "fc.weight").value.shape() == Shape({2, 4, 3, 2}));

  const auto message = [&](const PoolSpec& spec, std::int64_t extent) {
    NetworkBuilder bad(1, extent, extent);
    try {
      Graph refused(bad.layer("p", spec).layer("g", global_average()).spec(), *backend);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  pool.pad = {2, 0};
  CHECK_THAT(message(pool, 8), Contains("at most half its kernel"));
  PoolSpec global;
  global.global = true;
  CHECK_THAT(message(global, 16), Contains("at most 255 places"));
}

TEST_CASE("dropout draws another mask each step and the same one for its gradient") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(64, 1, 1);
  net.layer("d", DropoutSpec{0.5F});
  Graph graph(net.spec(), *backend);
  const Tensor x = random_tensor({2, 1, 1, 64}, 1);
  Pass pass;
  pass.mode = Mode::train;
  const std::vector<float> first = host_values(*backend, graph.forward(x, pass));
  CHECK(first == host_values(*backend, graph.forward(x, pass)));
  pass.step = 1;
  CHECK(first != host_values(*backend, graph.forward(x, pass)));
  CHECK(host_values(*backend, graph.forward(x, Pass{})) == host_values(*backend, x));
}

TEST_CASE("a pull reaches exactly 0 in the steps it is given") {
  for (const float value : {0.3F, -1.7F, 1e-4F}) {
    const float pull = pull_strength(value, 7);
    CHECK(7 * pull >= std::abs(value));
    CHECK(6 * pull < std::abs(value));
  }
}
