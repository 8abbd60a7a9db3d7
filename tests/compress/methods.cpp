#include <algorithm>
#include <set>

#include "catch.h"
#include "core/settings_error.h"
#include "listed_conflicts.h"
#include "network.h"
#include "scnn/compress/method.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> conflicts(const CompressionOptions& options, std::set<std::string> written = {}) {
  ListedConflicts listed;
  listed.written = std::move(written);
  make_method(options)->check(10, listed);
  return listed.settings;
}

std::vector<std::string> policies(const CompressionOptions& options) {
  PolicyList list;
  make_method(options)->add_policies(list, {RunClock{0, 5, 50, 50}, {}});
  std::vector<std::string> names;
  for (const auto& policy : list) names.emplace_back(policy->name());
  return names;
}

}  // namespace

TEST_CASE("the table has each method once, by the name that makes it, and names those it has where one is unknown") {
  std::set<std::string_view> names;
  for (const MethodInfo& method : compression_methods()) {
    CHECK(names.insert(method.name).second);
    CHECK_FALSE(method.help.empty());
    CompressionOptions options;
    options.type = method.name;
    CHECK(make_method(options) != nullptr);
  }
  CHECK(names.contains("self_compress"));
  CompressionOptions options;
  options.type = "zip";
  CHECK_THROWS_WITH(make_method(options), Contains("no method 'zip'") && Contains("none, fixed_bits, self_compress"));
}

TEST_CASE("a method's quantizers are what it says of them") {
  const auto backend = backend_for(Device{}, {1});
  for (const MethodInfo& method : compression_methods()) {
    INFO(method.name);
    NetworkBuilder net(1, 4, 4);
    net.conv_bn_relu("conv", 3).layer("pool", global_average()).layer("fc", LinearSpec{2, true});
    Graph graph(net.spec(), *backend);
    graph.initialize(1);
    CompressionOptions options;
    options.type = method.name;
    attach_quantizers(graph, options);
    const auto made = make_method(options);
    for (const int index : graph.weighted_nodes()) {
      const Quantizer* quantizer = graph.nodes()[static_cast<std::size_t>(index)].layer->weights()->quantizer.get();
      REQUIRE((quantizer != nullptr) == made->quantizes());
      if (quantizer != nullptr) CHECK(quantizer->learns_bits() == made->learns_bits());
    }
  }
}

TEST_CASE("a method lists the policies that its options ask for, in the order of their calls") {
  CompressionOptions options;
  CHECK(policies(options) == std::vector<std::string>{"channel_removal"});
  options.gamma_ramp_epochs = 2;
  options.integer_exponents_from = 0.5;
  options.freeze_fraction = 0.2;
  options.target_bytes = 1000;
  CHECK(policies(options) ==
        std::vector<std::string>{"gamma_ramp", "integer_exponents", "format_freeze", "byte_budget", "channel_removal"});
  options.prune = {0.5, {1}};
  options.type = "magnitude_prune";
  CHECK(policies(options) ==
        std::vector<std::string>{"integer_exponents", "format_freeze", "prune_schedule", "channel_removal"});
  options.type = "diffq";
  CHECK(policies(options) == std::vector<std::string>{"gamma_ramp"});
  options.type = "none";
  CHECK(policies(options).empty());
}

TEST_CASE("a method reports its settings that do not go together, at what the experiment gives") {
  CompressionOptions options;
  CHECK(conflicts(options).empty());
  options.init_bits = 9;
  CHECK(conflicts(options) == std::vector<std::string>{"compression.init.bits"});
  CHECK(conflicts(options, {"compression.max_bits"}) == std::vector<std::string>{"compression.max_bits"});
  options = {};
  options.target_bytes = 1;
  options.gamma = 0;
  CHECK(conflicts(options) == std::vector<std::string>{"compression.target_bytes"});
  options = {};
  options.type = "lsq";
  options.bits = 1;
  CHECK(conflicts(options) == std::vector<std::string>{"compression.bits"});
  options = {};
  options.type = "magnitude_prune";
  options.prune.epochs = {9};
  options.freeze_fraction = 0.2;
  CHECK(conflicts(options) == std::vector<std::string>{"compression.prune.epochs"});
  options.freeze_fraction = 0;
  CHECK(conflicts(options).empty());
  options.removal = {};
  CHECK(conflicts(options) == std::vector<std::string>{"compression.removal"});
}
