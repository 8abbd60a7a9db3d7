#include <cstdlib>

#include "catch.h"
#include "core/file.h"
#include "core/python.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("weights, bits and exponents of a checkpoint give the same logits in a NumPy network") {
  const std::string python = python_with("numpy");
  if (python.empty()) SCNN_SKIP("python3 with numpy is not installed");

  TrainObserver nobody;
  Run run(small_options(), nobody);
  REQUIRE(run.trainer->run());
  REQUIRE_FALSE(run.trainer->state().removals.empty());
  const TemporaryFolder folder;
  write_file(folder.path() / "checkpoint.safetensors", encode_safetensors(capture(run.graph, "", "{}").file));
  Safetensors probe;
  probe.tensors["images"] = random_tensor({16, 8, 8, 1}, 3);
  probe.tensors["logits"] = run.graph.forward(probe.tensors["images"], Pass{});
  write_file(folder.path() / "probe.safetensors", encode_safetensors(probe));
  // Tests run at the top of the tree; __FILE__ may be a path relative to anywhere (ccache).
  CHECK(std::system((python + " tests/train/check_checkpoint.py '" + folder.path().string() + "'").c_str()) == 0);
}
