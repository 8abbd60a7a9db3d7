// Values, ranges, types of maps, extends and overrides.
#include "catch.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("ten different mistakes of one file are reported together", "[experiment]") {
  const std::string text = mistakes(
      "version: 2\n"                                                           // 1 range
      "sede: 1\n"                                                              // 2 unknown key
      "seed: yes\n"                                                            // 3 boolean word
      "device: {type: gpu}\n"                                                  // 4 unknown choice
      "data: {type: fashion_mnist, validation: {from: train, fraction: 1}}\n"  // 5 range, open end
      "compression: {type: none, gamma: 1}\n"                                  // 6 of another type
      "train:\n"
      "  epochs: ten\n"                        // 7 wrong type
      "  batch_size: 010\n"                    // 8 leading zero
      "  epochs: 3\n"                          // 9 duplicate
      "  optimizer: {type: adam, lr: .nan}\n"  // 10 not finite
      "model:\n"
      "  input: [1, 28, 28]\n"
      "  layers:\n"
      "    - {type: conv2d, out: 8}\n"                 // 11 missing key
      "    - {type: relu, input: cnov}\n"              // 12 unknown layer
      "    - {type: linear, out: \"${nothing}\"}\n");  // 13 reference
  INFO(text);
  CHECK(contains(text, "'version' is 2\n  exp.yaml:1:10"));
  CHECK(contains(text, "unknown key 'sede'\n  exp.yaml:2:1"));
  CHECK(contains(text, "did you mean 'seed'?"));
  CHECK(contains(text, "'yes' is a boolean"));
  CHECK(contains(text, "unknown type 'gpu'\n  exp.yaml:4:16  in device"));
  CHECK(contains(text, "'fraction' is 1\n"));
  CHECK(contains(text, "must be in [0, 1)"));
  CHECK(contains(text, "error[E111] 'gamma' does not exist for type none\n  exp.yaml:6:27  in compression"));
  CHECK(contains(text, "it belongs to type self_compress"));
  CHECK(contains(text, "'epochs' must be a whole number, not 'ten'\n  exp.yaml:8:11  in train"));
  CHECK(contains(text, "'010' is octal"));
  CHECK(contains(text, "duplicate key 'epochs'\n  exp.yaml:10:3"));
  CHECK(contains(text, "'lr' must be a finite number, not '.nan'\n  exp.yaml:11:31  in train.optimizer"));
  CHECK(contains(text, "the key 'kernel' is missing\n  exp.yaml:15:7  in model.layers[0] (conv2d_0)"));
  CHECK(contains(text, "no earlier layer is called 'cnov'\n  exp.yaml:16:27"));
  CHECK(contains(text, "error[E108] nothing is called 'nothing'\n  exp.yaml:17:27"));
  CHECK(count(text, "error[") == 13);
}

TEST_CASE("defaults are those of the structs", "[experiment]") {
  const Experiment e = load(valid);
  CHECK(e.name == "exp");
  CHECK(e.seed == 0);
  CHECK(e.device.type == "auto");
  CHECK(e.device.threads == 0);
  CHECK(e.train.epochs == TrainOptions{}.epochs);
  CHECK(e.train.optimizer.lr == OptimizerOptions{}.lr);
  CHECK(e.compression.removal.epochs == 1);
  CHECK(e.logging.sinks == std::vector<std::string>{"console", "jsonl", "csv"});
}

TEST_CASE("every section reads its keys", "[experiment]") {
  const Experiment e = load(
      valid_model +
      "seed: 18446744073709551615\n"
      "device: {type: cpu, threads: 2}\n"
      "data:\n"
      "  type: mnist\n"
      "  train_limit: 20000\n"
      "  validation: {from: train, fraction: 0.25}\n"
      "  normalize: {mean: [0.5], std: [0.25]}\n"
      "  augment: [{type: pad_crop, pad: 2}, {type: horizontal_flip, probability: 0.25}, {type: cutout, size: 6}]\n"
      "compression:\n"
      "  type: self_compress\n"
      "  gamma_ramp: {epochs: 1.5}\n"
      "  size_loss: own_inputs\n"
      "  init: {bits: 6}\n"
      "  removal: {every: {steps: 100}}\n"
      "  exclude: [\"conv*\"]\n"
      "train:\n"
      "  optimizer:\n"
      "    type: sgd\n"
      "    nesterov: true\n"
      "    groups: [{match: [\"*.bits\"], lr: 0.5, schedule: {type: step, factor: 0.5, every_epochs: 2}}]\n"
      "  schedule: {type: piecewise, epochs: [0, 2, 10], factors: [0, 1, 0]}\n"
      "  clip_gradient: 1.5\n"
      "checkpoint: {every: {steps: 50}, keep_last: 3}\n"
      "logging: {sinks: [csv]}\n");
  CHECK(e.seed == 18446744073709551615ULL);
  CHECK(e.device.threads == 2);
  CHECK(e.data.train_limit == 20000);
  CHECK(e.data.validation_fraction == 0.25);
  CHECK(e.data.mean == std::vector<double>{0.5});
  CHECK(e.data.std == std::vector<double>{0.25});
  REQUIRE(e.data.augment.size() == 3);
  CHECK(std::get<PadCrop>(e.data.augment[0]).pad == 2);
  CHECK(std::get<HorizontalFlip>(e.data.augment[1]).probability == 0.25);
  CHECK(std::get<Cutout>(e.data.augment[2]).size == 6);
  CHECK(e.compression.gamma_ramp_epochs == 1.5);
  CHECK(e.compression.size_loss == SizeLossForm::own_inputs);
  CHECK(e.compression.init_bits == 6);
  CHECK(e.compression.removal.steps == 100);
  CHECK(e.compression.removal.epochs == 0);
  CHECK(e.compression.exclude == std::vector<std::string>{"conv*"});
  CHECK(e.train.optimizer.type == OptimizerType::sgd);
  CHECK(e.train.optimizer.nesterov);
  REQUIRE(e.train.optimizer.groups.size() == 1);
  CHECK(e.train.optimizer.groups[0].lr == 0.5);
  CHECK_FALSE(e.train.optimizer.groups[0].eps.has_value());
  CHECK(e.train.optimizer.groups[0].schedule->type == ScheduleType::step);
  CHECK(e.train.schedule.factors == std::vector<double>{0, 1, 0});
  CHECK(e.train.clip_gradient == 1.5);
  CHECK(e.checkpoint.every.steps == 50);
  CHECK(e.checkpoint.keep_last == 3);
  CHECK(e.logging.sinks == std::vector<std::string>{"csv"});
  CHECK(load(valid + "compression: {type: self_compress, removal: none}\n").compression.removal.epochs == 0);
}

TEST_CASE("values out of range or of a wrong type are mistakes", "[experiment]") {
  struct Case {
    std::string text, message, note;
  };
  const Case cases[] = {
      {"train: {epochs: 0}", "'epochs' is 0", "must be in [1, 1000000]"},
      {"train: {epochs: 1.5}", "'epochs' must be a whole number, not '1.5'", ""},
      {"train: {epochs: \"3\"}", "'epochs' must be a whole number, not the text \"3\"", "remove the quotes"},
      {"train: {epochs: 99999999999999999999}", "'epochs' is 99999999999999999999", "must be in"},
      {"train: {epochs: }", "'epochs' must be a whole number, not nothing", "write a value, or remove the key"},
      {"train: {epochs: [1]}", "'epochs' must be a whole number, not a list", ""},
      {"train: 3", "'train' must be a map, not '3'", ""},
      {"train: {batch_size: 0}", "'batch_size' is 0", "must be in [1, 1000000]"},
      {"train: {label_smoothing: 1}", "'label_smoothing' is 1", "must be in [0, 1)"},
      {"train: {optimizer: {type: adam, lr: inf}}", "'lr' must be a finite number, not 'inf'", ""},
      {"train: {optimizer: {type: adam, lr: 1e999}}", "'lr' must be a number, not '1e999'", ""},
      {"train: {optimizer: {type: adam, eps: 0}}", "'eps' is 0", "must be above 0"},
      {"train: {optimizer: {lr: 1}}", "the key 'type' is missing", "one of: adam, adamw, sgd"},
      {"train: {optimizer: {type: sgd, beta1: 0.5}}", "'beta1' does not exist for type sgd",
       "it belongs to type adam, adamw"},
      {"train: {optimizer: {type: sgd, nesterov: true, momentum: 0}}", "nesterov needs a momentum above 0", ""},
      {"train: {optimizer: {type: adam, groups: [{lr: 1}]}}", "the key 'match' is missing", ""},
      {"train: {optimizer: {type: sgd, groups: [{match: [a], eps: 1}]}}", "'eps' does not exist for sgd",
       "adam, adamw"},
      {"train: {schedule: {type: cosine, factor: 0.1}}", "'factor' does not exist for type cosine",
       "step, reduce_on_plateau"},
      {"train: {schedule: {type: piecewise, epochs: [0, 1]}}", "the key 'factors' is missing", ""},
      {"train: {schedule: {type: piecewise, epochs: [1, 1], factors: [0, 1]}}", "'epochs' must increase", ""},
      {"train: {schedule: {type: piecewise, epochs: [0, 1], factors: [0]}}", "2 epochs but 1 factors",
       "one factor for each"},
      {"compression: {gamma: 1}", "the key 'type' is missing", "one of: none, fixed_bits, self_compress"},
      {"compression: {type: diffg}", "unknown type 'diffg'", "did you mean 'diffq'?"},
      {"compression: {type: diffq, init: {bits: 15}}", "init.bits 15 must lie between min_bits 2 and max_bits 15", ""},
      {"compression: {type: diffq, max_bits: 17}", "'max_bits' is 17", ""},
      {"compression: {type: diffq, size_loss: own_inputs}", "'size_loss' does not exist for type diffq", ""},
      {"compression: {type: diffq, noise: pink}", "unknown noise 'pink'", ""},
      {"compression: {type: diffq, group_size: -1}", "'group_size' is -1", ""},
      {"compression: {type: lsq, bits: 1}", "bits is 1, lsq needs at least 2", ""},
      {"compression: {type: lsq, gamma: 1}", "'gamma' does not exist for type lsq", "self_compress, diffq"},
      {"compression: {type: magnitude_prune}", "the key 'prune' is missing", ""},
      {"compression: {type: magnitude_prune, prune: {fraction: 0.5}}", "the key 'epochs' is missing", ""},
      {"compression: {type: magnitude_prune, prune: {epochs: []}}", "a list with at least one number", ""},
      {"compression: {type: magnitude_prune, prune: {epochs: [2, 1]}}", "must be increasing whole numbers", ""},
      {"compression: {type: magnitude_prune, prune: {epochs: [2, 2.5]}}", "must be increasing whole numbers", ""},
      {"compression: {type: magnitude_prune, prune: {epochs: [11]}}", "channels go after epoch 11, training has 10",
       ""},
      {"compression: {type: magnitude_prune, prune: {epochs: [10]}}", "channels go after epoch 10, training has 10",
       "what is left needs an epoch"},
      {"compression: {type: magnitude_prune, prune: {epochs: [9]}, freeze: {fraction: 0.2}}",
       "formats freeze at epoch 8", ""},
      {"compression: {type: self_compress, integer_exponents_from: 0.9, freeze: {fraction: 0.25}}",
       "formats freeze at 0.75", "set at most 0.75"},
      {"compression: {type: self_compress, freeze: {fraction: 1}}", "'fraction' is 1", ""},
      {"compression: {type: self_compress, freeze: {fraction: 0}}", "'fraction' is 0", ""},
      {"compression: {type: self_compress, freeze: {}}", "the key 'fraction' is missing", ""},
      {"compression: {type: self_compress, guard: {tolerance: 0.1}}", "unknown key 'guard'",
       "the guard against forgetting was removed"},
      {"compression: {type: diffq, freeze: {fraction: 0.2}}", "'freeze' does not exist for type diffq", ""},
      {"compression: {type: magnitude_prune, prune: {fraction: 1, epochs: [1]}}", "'fraction' is 1", ""},
      {"compression: {type: magnitude_prune, prune: {epochs: [1]}, removal: none}", "without removal", ""},
      {"train: {schedule: {type: cosine, cooldown: 1}}", "'cooldown' does not exist for type cosine",
       "reduce_on_plateau"},
      {"compression: {type: self_compress, target_bytes: -2}", "'target_bytes' is -2", ""},
      {"compression: {type: self_compress, gamma: 0, target_bytes: 2000}", "gamma is 0", "above 0 to start from"},
      {"compression: {type: none, target_bytes: 2}", "'target_bytes' does not exist for type none", "self_compress"},
      {"compression: {type: self_compress, gamma: -1}", "'gamma' is -1", "must be at least 0"},
      {"compression: {type: self_compress, target_bytes: 0}", "'target_bytes' is 0", "must be in [1, 1000000000000]"},
      {"compression: {type: self_compress, init: {bits: 0}}", "'bits' is 0", "must be in (0, 16]"},
      {"compression: {type: diffq, min_bits: 9}", "init.bits 8 must lie between min_bits 9", "min_bits: 9"},
      {"compression: {type: self_compress, max_bits: 17}", "'max_bits' is 17", "must be in (0, 16]"},
      {"compression: {type: self_compress, max_bits: 4}", "init.bits 8 is above max_bits 4", ""},
      {"compression: {type: self_compress, output_min_bits: 9}", "output_min_bits 9 is above max_bits 8", ""},
      {"compression: {type: fixed_bits, bits: 0}", "'bits' is 0", "must be in (0, 16]"},
      {"compression: {type: self_compress, bits: 4}", "'bits' does not exist for type self_compress", "fixed_bits"},
      {"compression: {type: self_compress, removal: 3}", "'removal' must be a map or none, not '3'", ""},
      {"compression: {type: self_compress, removal: {every: {epochs: 1, steps: 1}}}",
       "'every' must be {epochs: n} or {steps: n}", ""},
      {"compression: {type: self_compress, removal: {every: {epochs: 0}}}", "'epochs' is 0", "must be above 0"},
      {"compression: {type: self_compress, removal: {every: {hours: 1}}}", "unknown key 'hours'", ""},
      {"checkpoint: {keep_last: 0}", "'keep_last' is 0", ""},
      {"logging: {sinks: [tensorbord]}", "unknown sinks 'tensorbord'", ""},
      {"device: {threads: many}", "'threads' must be a whole number or auto, not 'many'", ""},
      {"seed: -1", "'seed' is -1", "must be in [0, 2^64 - 1]"},
      {"seed: 18446744073709551616", "'seed' is 18446744073709551616", "must be in [0, 2^64 - 1]"},
      {"name: a/b", "'name' must be letters", "it names a folder"},
      {"sweeps: {axes: {}}", "unknown key 'sweeps'", "did you mean 'sweep'?"},
      {"name:", "'name' must be text, not nothing", ""},
  };
  for (const Case& one : cases) {
    const std::string text = mistakes(valid + one.text + "\n");
    INFO(one.text + "\n" + text);
    CHECK(contains(text, one.message));
    CHECK(contains(text, one.note));
    CHECK(count(text, "error[") == 1);
  }
}

TEST_CASE("mistakes in data", "[experiment]") {
  const auto data = [](const std::string& keys) { return mistakes(valid_model + "data: {" + keys + "}\n"); };
  CHECK(contains(data("root: auto"), "the key 'type' is missing"));
  CHECK(contains(data("type: fashon_mnist"), "did you mean 'fashion_mnist'?"));
  CHECK(contains(data("type: fashion_mnist, classes: 3"), "'classes' does not exist for type fashion_mnist"));
  CHECK(
      contains(data("type: fashion_mnist, augment: [{type: cutout, pad: 3}]"), "'pad' does not exist for type cutout"));
  CHECK(contains(data("type: fashion_mnist, augment: [cutout]"), "'augment' must be a list of maps, not 'cutout'"));
  CHECK(contains(data("type: fashion_mnist, augment: [{type: pad, pad: 4}, {type: horizontal_flip}]"),
                 "pad leaves a larger image than the network takes: put {type: crop} behind it"));
  CHECK(contains(data("type: fashion_mnist, augment: [{type: cutout}, {type: auto_augment}]"), "put cutout behind it"));
  CHECK(contains(data("type: fashion_mnist, augment: [{type: random_erasing, min_area: 0.5}]"),
                 "0 <= min_area <= max_area <= 1"));
  CHECK(contains(mistakes("model: {input: [2, 28, 28], layers: [{type: flatten}, {type: linear, out: 10}]}\n"
                          "data: {type: arrays, root: a.npz, augment: [{type: auto_augment}]}\n"),
                 "auto_augment takes grey or RGB images, not 2 channels"));
  CHECK(contains(data("type: fashion_mnist, augment: [{type: auto_augment, probability: 1}]"),
                 "'probability' does not exist for type auto_augment"));
  CHECK(contains(data("type: fashion_mnist, normalize: {mean: [0.5]}"), "the key 'std' is missing"));
  CHECK(contains(data("type: fashion_mnist, normalize: {mean: [0.5], std: [0]}"), "'std' is 0"));
  CHECK(contains(data("type: fashion_mnist, normalize: {mean: [0, 0], std: [1, 1]}"), "2 means for 1 channels"));
  CHECK(contains(data("type: fashion_mnist, normalize: {mean: [0, 0], std: [1]}"), "2 means but 1 stds"));
  CHECK(contains(data("type: cifar10"),
                 "the network takes [1, 28, 28], cifar10 has [3, 32, 32]\n  exp.yaml:2:10  in model"));
  CHECK(contains(data("type: cifar10"), "^ write input: [3, 32, 32]"));
  CHECK(data("type: synthetic, channels: 1, height: 28, width: 28").empty());
  // A shape that is a mistake is no advice for the network.
  CHECK(count(data("type: image_folder, root: x, channels: 1, height: 1, width: 28"), "error[") == 1);
  CHECK(count(data("type: image_folder, root: x, channels: 2, height: 28, width: 28"), "error[") == 1);
  // What the generator cannot make is out of range for the reader, too.
  CHECK(contains(data("type: synthetic, height: 28, width: 28, classes: 25"), "must be in [2, 24]"));
  CHECK(contains(data("type: synthetic, height: 7, width: 28"), "must be in [8, 1024]"));
  CHECK(contains(data("type: synthetic, height: 28, width: 28, channels: 17"), "must be in [1, 16]"));
}

TEST_CASE("paths are relative to the file they stand in", "[experiment]") {
  const TemporaryFolder folder;
  folder.write("base/base.yaml", valid_model + "data: {type: mnist, root: files}\n");
  const auto file = folder.write("exp.yaml", "extends: [base/base.yaml]\n");
  CHECK(load_experiment(file).data.root == (folder.path() / "base/files").string());
  const std::vector<std::string> overrides = {"data.root=elsewhere"};
  CHECK(load_experiment(file, overrides).data.root == (std::filesystem::current_path() / "elsewhere").string());
}

TEST_CASE("extends merges maps, replaces lists, and another type replaces the map", "[experiment]") {
  const TemporaryFolder folder;
  folder.write("base.yaml",
               valid +
                   "seed: 1\n"
                   "compression: {type: self_compress, gamma: 0.5, max_bits: 9}\n"
                   "train: {epochs: 3, optimizer: {type: adam, lr: 0.5, groups: [{match: [a]}, {match: [b]}]}}\n");
  folder.write("second.yaml", "seed: 2\ntrain: {batch_size: 7}\n");
  const auto file = folder.write("exp.yaml",
                                 "extends: [base.yaml, second.yaml]\n"
                                 "compression: {type: self_compress, max_bits: 10}\n"
                                 "train: {optimizer: {groups: [{match: [c]}]}}\n");
  const Experiment e = load_experiment(file);
  CHECK(e.seed == 2);
  CHECK(e.compression.gamma == 0.5);
  CHECK(e.compression.max_bits == 10);
  CHECK(e.train.epochs == 3);
  CHECK(e.train.batch_size == 7);
  CHECK(e.train.optimizer.lr == 0.5);
  REQUIRE(e.train.optimizer.groups.size() == 1);
  CHECK(e.train.optimizer.groups[0].match == std::vector<std::string>{"c"});

  const auto other = folder.write("other.yaml", "extends: base.yaml\ncompression: {type: fixed_bits}\n");
  CHECK(load_experiment(other).compression.bits == 8);
  CHECK(load_experiment(other).compression.gamma == CompressionOptions{}.gamma);
}

TEST_CASE("circles of extends and missing bases are mistakes", "[experiment]") {
  const TemporaryFolder folder;
  folder.write("b.yaml", "extends: [sub/c.yaml]\n");
  folder.write("sub/c.yaml", "extends: [../a.yaml]\n");
  const auto file = folder.write("a.yaml", "extends: [b.yaml]\n" + valid);
  const std::string text = mistakes_in(file);
  INFO(text);
  CHECK(contains(text, "error[E109] files extend each other in a circle\n  sub/c.yaml:1:11"));
  CHECK(text.ends_with("\n  a.yaml -> b.yaml -> c.yaml -> a.yaml"));
  CHECK(count(text, "error[") == 1);

  const std::string missing = mistakes_in(folder.write("m.yaml", "extends: [none.yaml, 3.yaml]\nsede: 3\n" + valid));
  INFO(missing);
  CHECK(contains(missing, "error[E109] cannot read none.yaml: there is no such file\n  m.yaml:1:11"));
  CHECK(contains(missing, "m.yaml:1:22"));
  CHECK(contains(missing, "unknown key 'sede'"));
  CHECK(contains(mistakes_in(folder.write("n.yaml", "extends: {a: b}\n" + valid)), "'extends' takes files, not a map"));
}

TEST_CASE("mistakes in a base name the base", "[experiment]") {
  const TemporaryFolder folder;
  folder.write("base.yaml", valid + "sede: 1\n");
  CHECK(contains(mistakes_in(folder.write("exp.yaml", "extends: base.yaml\n")), "unknown key 'sede'\n  base.yaml:8:1"));
}

TEST_CASE("overrides come last, are YAML values, and any order does", "[experiment]") {
  const Experiment e = load(valid + "compression: {type: self_compress, gamma: 3}\ntrain: {epochs: 3}\n",
                            {"train.epochs=5", "compression.bits=4", "compression.type=fixed_bits", "train.epochs=6",
                             "data.augment=[{type: cutout, size: 4}]", "name=abc", "device.type=cpu"});
  CHECK(e.train.epochs == 6);
  CHECK(e.compression.type == "fixed_bits");
  CHECK(e.compression.bits == 4);
  CHECK(std::get<Cutout>(e.data.augment.at(0)).size == 4);
  CHECK(e.name == "abc");
  CHECK(load(valid + "device: {type: auto, threads: 2}\n", {"device.type=cpu"}).device.threads == 2);
}

TEST_CASE("a GPU's arithmetic can be chosen, but not for the CPU", "[experiment]") {
  const TemporaryFolder folder;
  const Experiment e = load(valid + "device: {type: cuda, precision: bf16, weight_quantization: on_load}\n");
  CHECK(e.device.precision == Precision::bf16);
  CHECK(e.device.weight_quantization == WeightQuantization::on_load);
  CHECK(load(valid).device.precision == Precision::fp32);
  CHECK(contains(mistakes_in(folder.write("exp.yaml", valid + "device: {type: cpu, precision: bf16}\n")),
                 "the CPU computes in fp32\n  exp.yaml:8:"));
  CHECK(contains(mistakes_in(folder.write("exp.yaml", valid + "device: {weight_quantization: values}\n")),
                 "only bf16 convolutions have a choice of where weights are quantized\n  exp.yaml:8:"));
  const auto mistakes_of = [&](const char* device) { return mistakes_in(folder.write("exp.yaml", valid + device)); };
  CHECK(load(valid).device.convolution == ConvolutionPath::automatic);
  CHECK(load(valid + "device: {convolution: cudnn, precision: tf32}\n").device.convolution == ConvolutionPath::cudnn);
  CHECK(contains(mistakes_of("device: {type: cpu, convolution: cudnn}\n"), "the CPU has no cuDNN\n  exp.yaml:8:"));
  CHECK(contains(mistakes_of("device: {type: cpu, precision: tf32}\n"), "the CPU computes in fp32\n  exp.yaml:8:"));
  CHECK(contains(mistakes_of("device: {precision: tf32, convolution: own}\n"),
                 "there are no own kernels in tf32\n  exp.yaml:8:"));
  CHECK(contains(mistakes_of("device: {precision: bf16, convolution: cudnn, weight_quantization: values}\n"),
                 "weights are quantized before cuDNN multiplies them\n  exp.yaml:8:"));
}

TEST_CASE("named layers and list items can be overridden", "[experiment]") {
  const Experiment e = load(valid + "train: {optimizer: {type: adam, groups: [{match: [a], lr: 1}]}}\n",
                            {"model.layers.conv1.out=64", "train.optimizer.groups.0.lr=2", "model.layers.1.name=flat"});
  CHECK(std::get<Conv2dSpec>(e.model.at(1).options).out == 64);
  CHECK(std::get<Conv2dSpec>(e.model.at(1).options).kernel == Extent2{3, 3});
  CHECK(e.train.optimizer.groups.at(0).lr == 2);
  CHECK(e.model.at(2).name == "flat");
  const Experiment retyped = load(valid, {"model.layers.conv1.type=batch_norm"});
  CHECK(retyped.model.at(1).name == "conv1");
  CHECK(std::holds_alternative<BatchNormSpec>(retyped.model.at(1).options));
  const std::string text = mistakes(valid, {"model.layers.conv2.out=64"});
  INFO(text);
  CHECK(contains(text, "error[E112] no item 'conv2' in model.layers\n  override 'model.layers.conv2.out=64'"));
  CHECK(contains(text, "did you mean 'conv1'?"));
  CHECK(contains(text, "named items: conv1, fc"));
}

TEST_CASE("mistakes in overrides are shown as overrides", "[experiment]") {
  const std::string text = mistakes(valid, {"train.epohcs=3"});
  CHECK(
      text ==
      "error[E103] unknown key 'epohcs'\n"
      "  override 'train.epohcs=3'  in train\n"
      "         train.epohcs=3\n"
      "               ^^^^^^ did you mean 'epochs'?\n"
      "  known keys here: epochs, batch_size, optimizer, schedule, label_smoothing, clip_gradient, statistics_batches, "
      "evaluate_every");
  CHECK(contains(mistakes(valid, {"train.epochs=x"}), "         train.epochs=x\n                      ^ \n") == false);
  CHECK(contains(mistakes(valid, {"train.epochs=x"}), "         train.epochs=x\n                      ^"));
  CHECK(contains(mistakes(valid, {"train.epochs"}), "error[E114] an override is key.path=value"));
  CHECK(contains(mistakes(valid, {"=3"}), "error[E114]"));
  CHECK(contains(mistakes(valid, {"a..b=3"}), "error[E114]"));
  CHECK(contains(mistakes(valid, {"train.epochs="}), "'epochs' must be a whole number, not nothing"));
  CHECK(contains(mistakes(valid, {"train.epochs=[1"}), "error[E101] not valid YAML"));
  CHECK(contains(mistakes(valid, {"extends=a.yaml"}), "'extends' cannot be overridden"));
  CHECK(contains(mistakes(valid, {"seed.x=1", "train=3"}), "'train' must be a map"));
}

TEST_CASE("control characters in values are shown, and cut no message", "[experiment]") {
  const std::string text = mistakes(valid + "seed: \"\\0\\e[1m\"\nnmae: x\n");
  CHECK(contains(text, "not the text \"\\x00\\x1b[1m\""));
  CHECK(contains(text, "unknown key 'nmae'"));
  CHECK(text.find('\0') == std::string::npos);
}

TEST_CASE("a complete experiment is read from text that stands in no file", "[experiment]") {
  const Experiment first = load(valid);
  CHECK(parse_experiment(first.yaml, "step-5.safetensors").yaml == first.yaml);
  try {
    (void)parse_experiment("seed: yes\n", "configuration in step-5.safetensors");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::experiment);
    CHECK(contains(error.what(), "\n  configuration in step-5.safetensors:1:7"));
  }
}
