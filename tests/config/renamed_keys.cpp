// Keys of the version before: renamed ones are read, retired ones only where they say nothing.
#include "catch.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

namespace {
const std::string on_a_gpu = valid + "device: {type: cuda, precision: bf16}\n";
const std::string old_name = valid + "device: {type: cuda, precision: bf16, weight_quantisation: on_load}\n";
}  // namespace

TEST_CASE("an old name of a key is read, and the new one is written", "[experiment]") {
  const Experiment e = load(old_name);
  CHECK(e.device.weight_quantization == WeightQuantization::on_load);
  CHECK(contains(e.yaml, "weight_quantization: on_load"));
  CHECK_FALSE(contains(e.yaml, "weight_quantisation"));
}

TEST_CASE("an old name works as an override, and in a file that a run of the version before wrote", "[experiment]") {
  CHECK(load(on_a_gpu, {"device.weight_quantisation=values"}).device.weight_quantization == WeightQuantization::values);
  CHECK(parse_experiment(old_name, "config.yaml").device.weight_quantization == WeightQuantization::on_load);
}

TEST_CASE("an override by the old name replaces what a file gives by the new one, and the reverse", "[experiment]") {
  const std::string new_name = valid + "device: {type: cuda, precision: bf16, weight_quantization: on_load}\n";
  for (const std::string& file : {old_name, new_name}) {
    for (const char* key : {"device.weight_quantisation=values", "device.weight_quantization=values"}) {
      CHECK(load(file, {key}).device.weight_quantization == WeightQuantization::values);
    }
  }
}

TEST_CASE("both names of a key in one map are a mistake", "[experiment]") {
  const std::string text = mistakes(
      valid + "device: {type: cuda, precision: bf16, weight_quantisation: on_load, weight_quantization: values}\n");
  CHECK(
      contains(text, "error[E102] 'weight_quantisation' is the old name of 'weight_quantization', and both are given"));
  CHECK(contains(text, "exp.yaml:8:39"));
}

TEST_CASE("settle is the old name of freeze", "[experiment]") {
  const Experiment old = load(valid + "compression: {type: self_compress, settle: {fraction: 0.25, lr: 0.125}}\n");
  CHECK(old.compression.freeze_fraction == 0.25);
  CHECK(old.compression.freeze_lr == 0.125);
  CHECK(contains(old.yaml, "  freeze: {fraction: 0.25, lr: 0.125}"));
  CHECK(load(valid + "compression: {type: self_compress, settle: none}\n").compression.freeze_fraction == 0);
  CHECK(contains(mistakes(valid + "compression: {type: lsq, settle: none}\n"), "'freeze' does not exist for type lsq"));
}

TEST_CASE("a retired key is read past where it says nothing, and unknown with a reason elsewhere", "[experiment]") {
  const Experiment quiet = load(valid + "compression: {type: self_compress, guard: none}\n");
  CHECK_FALSE(contains(quiet.yaml, "guard"));
  const std::string text = mistakes(valid + "compression: {type: self_compress, guard: {tolerance: 0.1}}\n");
  CHECK(contains(text, "unknown key 'guard'"));
  CHECK(contains(text, "the guard against forgetting was removed"));
}
