// The table of settings: what is written reads back, and what is described is what is read.
#include "settings/settings.h"

#include <map>
#include <set>

#include "catch.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

namespace {

const char* unusual =
    "data:\n"
    "  type: synthetic\n"
    "  channels: 3\n"
    "  height: 8\n"
    "  width: 9\n"
    "  classes: 7\n"
    "  train_limit: 9\n"
    "  validation: {from: train, fraction: 0.3}\n"
    "  normalize: {mean: [0.1, 0.2, 0.30000000000000004], std: [1, 2, 3]}\n"
    "  augment: [{type: horizontal_flip, probability: 0.1}, {type: pad_crop, pad: 1}, {type: pad, pad: 2},\n"
    "    {type: auto_augment}, {type: crop}, {type: random_erasing, max_area: 0.4}, {type: cutout, size: 3}]\n"
    "model:\n"
    "  input: [3, 8, 9]\n"
    "  blocks: {b: {parameters: {k: 3}, layers: [{type: conv2d, kernel: \"${k}\", padding: same, groups: "
    "depthwise}]}}\n"
    "  layers:\n"
    "    - {name: c, type: conv2d, out: 6, kernel: [3, 1], stride: [1, 2], padding: [2, 1], dilation: 2, groups: 3}\n"
    "    - {type: batch_norm, eps: 1.1e-7, momentum: 0.3}\n"
    "    - {name: r, type: residual, layers: [{type: b}, {type: dropout, rate: 0.1}], projection: [{type: b, k: 1}]}\n"
    "    - {type: concat, input: [c, r]}\n"
    "    - {type: max_pool2d, kernel: 3, stride: 1, padding: same}\n"
    "    - {type: avg_pool2d, kernel: 2, padding: valid}\n"
    "    - {type: global_avg_pool}\n"
    "    - {type: linear, out: 7, bias: false}\n"
    "    - {type: scale, factor: 0.3}\n"
    "compression: {type: self_compress, gamma: 0.1, removal: none, revive: true, include: [\"c*\", \"123\"]}\n"
    "train:\n"
    "  optimizer:\n"
    "    type: adamw\n"
    "    beta1: 0.1\n"
    "    groups:\n"
    "      - {match: [\"*.bits\"], weight_decay: 0.1, schedule: {type: reduce_on_plateau, patience: 3, cooldown: 2, "
    "after_epochs: 1}}\n"
    "  schedule: {type: piecewise, warmup_epochs: 0.1, epochs: [0, 1.5], factors: [1, 0.1]}\n"
    "  clip_gradient: 0.1\n"
    "checkpoint: {every: {steps: 3}}\n"
    "logging: {sinks: []}\n";

}  // namespace

TEST_CASE("the written experiment is complete and reads back to itself", "[experiment]") {
  for (const std::string& text :
       {valid, std::string(unusual), valid + "compression: {type: none}\n",
        valid + "compression: {type: fixed_bits, bits: 2.5}\ntrain: {optimizer: {type: sgd}}\n",
        valid +
            "compression: {type: diffq, gamma: 0.7, init: {bits: 5}, min_bits: 3, max_bits: 9, group_size: 4, noise: "
            "uniform}\n",
        valid + "compression: {type: lsq, bits: 3, exclude: [fc]}\n",
        valid + "compression: {type: magnitude_prune, bits: 3, prune: {fraction: 0.25, epochs: [1, 3]}}\n"}) {
    const Experiment first = load(text, {"name=\"123\""});
    INFO(first.yaml);
    CHECK(contains(first.yaml, "name: \"123\""));
    CHECK_FALSE(contains(first.yaml, "${"));
    const Experiment second = load(first.yaml);
    CHECK(second.yaml == first.yaml);
    REQUIRE(second.model.size() == first.model.size());
    for (std::size_t i = 0; i < first.model.size(); ++i) {
      CHECK(second.model[i].name == first.model[i].name);
      CHECK(second.model[i].inputs == first.model[i].inputs);
      CHECK(second.model[i].options.index() == first.model[i].options.index());
    }
    CHECK(second.data.mean == first.data.mean);
    CHECK(second.train.schedule.factors == first.train.schedule.factors);
    CHECK(second.compression.removal.epochs == first.compression.removal.epochs);
    CHECK(second.compression.type == first.compression.type);
    CHECK(second.compression.bits == first.compression.bits);
    CHECK(second.compression.diffq.group_size == first.compression.diffq.group_size);
    CHECK(second.compression.diffq.init_bits == first.compression.diffq.init_bits);
    CHECK(second.compression.prune.epochs == first.compression.prune.epochs);
    CHECK(second.data.augment.size() == first.data.augment.size());
    for (std::size_t i = 0; i < first.data.augment.size(); ++i) {
      CHECK(second.data.augment[i].index() == first.data.augment[i].index());
    }
  }
}

TEST_CASE("the written experiment keeps numbers to the last bit", "[experiment]") {
  const Experiment first = load(unusual);
  const Experiment second = load(first.yaml);
  CHECK(second.data.mean[2] == 0.1 + 0.2);
  CHECK(std::get<BatchNormSpec>(second.model.at(2).options).eps == 1.1e-7F);
  CHECK(std::get<BatchNormSpec>(second.model.at(2).options).momentum == 0.3F);
  const auto& conv = std::get<Conv2dSpec>(second.model.at(1).options);
  CHECK((conv.pad == Extent2{2, 1} && conv.stride == Extent2{1, 2} && conv.groups == 3 && conv.bias));
}

TEST_CASE("named layers of a written experiment can be overridden", "[experiment]") {
  const TemporaryFolder folder;
  const auto file = folder.write("x.yaml", load(unusual).yaml);
  const std::vector<std::string> overrides = {"model.layers.r.dropout_1.rate=0.75"};
  const Experiment e = load_experiment(file, overrides);
  bool found = false;
  for (const LayerSpec& layer : e.model) {
    if (layer.name != "r.dropout_1") continue;
    CHECK(std::get<DropoutSpec>(layer.options).rate == 0.75F);
    found = true;
  }
  CHECK(found);
}

TEST_CASE("every setting is described, once for each type that has it", "[experiment]") {
  std::set<std::string> seen;
  for (const Setting& setting : describe_settings()) {
    INFO(setting.key);
    CHECK_FALSE(setting.doc.empty());
    CHECK_FALSE(setting.type.empty());
    CHECK(seen.insert(setting.key).second);
  }
  for (const char* key :
       {"version", "compression.gamma", "compression.removal.every", "train.optimizer.groups[].schedule.type",
        "data.augment[].pad", "conv2d.kernel", "model.layers", "extends", "logging.sinks"}) {
    INFO(key);
    CHECK(seen.contains(key));
  }
}

TEST_CASE("every key that is written is described with its default", "[experiment]") {
  std::map<std::string, Setting> settings;
  for (Setting& setting : describe_settings()) settings[setting.key] = setting;
  const auto& gamma = settings.at("compression.gamma");
  CHECK(gamma.default_value == "0.015");
  CHECK(gamma.range == "at least 0");
  CHECK(gamma.type == "number");
  CHECK(gamma.only_for == std::vector<std::string>{"self_compress", "diffq"});
  CHECK(settings.at("compression.gamma_ramp.epochs").only_for == std::vector<std::string>{"self_compress", "diffq"});
  CHECK(settings.at("device.threads").default_value == "auto");
  CHECK(settings.at("train.optimizer.groups[].match").default_value.empty());
  CHECK(settings.at("compression.type").choices.size() == 6);
  CHECK(settings.at("checkpoint.every").default_value == "{epochs: 1}");
  CHECK(settings.at("conv2d.stride").default_value == "1");
  CHECK(settings.at("max_pool2d.stride").default_value == "the kernel");
}

TEST_CASE("components are listed by kind", "[experiment]") {
  const auto names = [](const char* kind) {
    std::set<std::string> out;
    for (const Component& component : list_components(kind)) {
      CHECK_FALSE(component.doc.empty());
      out.insert(component.name);
    }
    return out;
  };
  CHECK(names("optimizers") == std::set<std::string>{"adam", "adamw", "sgd"});
  CHECK(names("compressions") ==
        std::set<std::string>{"none", "fixed_bits", "self_compress", "diffq", "lsq", "magnitude_prune"});
  CHECK(names("layers").size() == 14);
  CHECK(names("data").contains("cifar100"));
  CHECK(names("augmentations").contains("cutout"));
  CHECK(names("schedules").size() == 6);
  for (const std::string& kind : component_kinds()) CHECK_FALSE(list_components(kind).empty());
  for (const Component& component : list_components("optimizers")) {
    for (const Setting& setting : component.settings)
      CHECK((component.name != "sgd" || setting.key != "train.optimizer.beta1"));
  }
  try {
    (void)list_components("optimizer");
    FAIL("an unknown kind was listed");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.what(), "did you mean 'optimizers'?"));
  }
}

TEST_CASE("explain answers for keys, ends of keys, sections and components", "[experiment]") {
  CHECK(explain("compression.gamma") ==
        "compression.gamma  (number, at least 0, default 0.015)\n"
        "    weight of the size loss: more compresses harder; of diffq of the mean bits of a weight\n"
        "    exists for type self_compress, diffq\n");
  CHECK(explain("gamma") == explain("compression.gamma"));
  CHECK(contains(explain("train.optimizer.groups.lr"), "train.optimizer.groups[].lr"));
  CHECK(contains(explain("checkpoint"), "checkpoint.keep_last"));
  CHECK(contains(explain("conv2d"), "conv2d.kernel"));
  CHECK(contains(explain("residual"), "residual.projection"));
  CHECK(contains(explain("compression.size_loss"), "live_inputs"));
  try {
    (void)explain("gama");
    FAIL("an unknown key was explained");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.what(), "did you mean 'gamma'?"));
  }
}
