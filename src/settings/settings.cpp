// The one table of settings: each key of an experiment file, once.  The order is that of the written file.
#include <array>

#include "settings/schema.h"

namespace scnn::config {
namespace {

constexpr Option schedule_types[] = {
    {"constant", ScheduleType::constant, "the learning rate stays"},
    {"step", ScheduleType::step, "multiplied by factor every so many epochs"},
    {"cosine", ScheduleType::cosine, "half a cosine from 1 to final_factor"},
    {"piecewise", ScheduleType::piecewise, "straight lines between the points (epochs[i], factors[i])"},
    {"anneal_end", ScheduleType::anneal_end, "constant, then straight to final_factor over the last share of training"},
    {"reduce_on_plateau", ScheduleType::reduce_on_plateau,
     "multiplied by factor once the training loss has not improved for more than patience epochs, as torch's "
     "ReduceLROnPlateau"},
};
constexpr Option optimizer_types[] = {
    {"adam", OptimizerType::adam, "Adam, weight decay added to the gradient"},
    {"adamw", OptimizerType::adamw, "Adam with decoupled weight decay"},
    {"sgd", OptimizerType::sgd, "stochastic gradient descent with momentum"},
};
constexpr Option device_types[] = {{"auto", "a GPU if there is one, else the CPU"}, {"cpu", ""}, {"cuda", ""}};
constexpr Option integer_forms[] = {
    {"bits", IntegerForm::bits, "each channel in the bits of its range"},
    {"coded", IntegerForm::coded, "entropy-coded by an adaptive range coder: smaller"},
};
constexpr Option real_forms[] = {
    {"half", RealForm::half, "rounded to 16 bits, with an exponent for each block"},
    {"float32", RealForm::float32, "as they are"},
};
constexpr Option precisions[] = {
    {"fp32", Precision::fp32, "float32"},
    {"tf32", Precision::tf32,
     "float32 whose operands tensor cores round to 11 significant bits; by NVIDIA's libraries alone"},
    {"bf16", Precision::bf16,
     "operands of convolutions and linear layers rounded to bfloat16, on tensor cores; sums, weights and everything "
     "else float32"},
};
constexpr Option convolution_paths[] = {
    {"auto", ConvolutionPath::automatic,
     "the project's own kernels in fp32 and bf16, NVIDIA's libraries in tf32; by this table, never by timing"},
    {"own", ConvolutionPath::own,
     "the project's own kernels; grouped convolutions are float32 there, whatever the precision"},
    {"cudnn", ConvolutionPath::cudnn,
     "cuDNN, and cuBLAS for linear layers, found when the program runs (scnn doctor tells); weights are quantized "
     "before it, and in bf16 a convolution's results are rounded to bfloat16 too"},
};
constexpr Option weight_quantizations[] = {
    {"auto", WeightQuantization::automatic, "by the layer's shape"},
    {"on_load", WeightQuantization::on_load,
     "by the convolution itself, into shared memory; `integers` where they do not fit"},
    {"integers", WeightQuantization::integers, "by a pass before it, as integers; 2^e scales its results"},
    {"values", WeightQuantization::values, "by a pass before it, as numbers rounded to bfloat16"},
};
constexpr Option sinks[] = {{"console", "progress on the terminal"},
                            {"jsonl", "metrics.jsonl and bits.jsonl in the run folder"},
                            {"csv", "epochs.csv in the run folder"},
                            {"tensorboard", "events in the run folder's tb/, for tensorboard --logdir"}};

void visit(SettingsVisitor& v, ScheduleOptions& o) {
  v.type_of(schedule_types, o.type);
  v.value(
      {.key = "warmup_epochs", .doc = "rises from 0 in a straight line first", .unit = "epochs", .range = at_least(0)},
      o.warmup_epochs);
  v.value({.key = "factor",
           .doc = "multiplies the learning rate",
           .range = {.min = 0, .max = 1, .open_min = true},
           .types = "step, reduce_on_plateau"},
          o.factor);
  v.value(
      {.key = "every_epochs", .doc = "time between two steps", .unit = "epochs", .range = above(0), .types = "step"},
      o.every_epochs);
  v.value({.key = "final_factor",
           .doc = "share of the learning rate at the end",
           .range = between(0, 1),
           .types = "cosine, anneal_end"},
          o.final_factor);
  v.value({.key = "fraction",
           .doc = "share of training that the descent takes",
           .range = {.min = 0, .max = 1, .open_min = true},
           .types = "anneal_end"},
          o.fraction);
  v.value({.key = "epochs",
           .doc = "times of the points, increasing",
           .unit = "epochs",
           .range = at_least(0),
           .types = "piecewise",
           .required = true},
          o.epochs);
  v.value({.key = "factors",
           .doc = "share of the learning rate at each point",
           .range = at_least(0),
           .types = "piecewise",
           .required = true},
          o.factors);
  v.value({.key = "patience",
           .doc = "epochs without improvement",
           .unit = "epochs",
           .range = at_least(0),
           .types = "reduce_on_plateau"},
          o.patience);
  v.value({.key = "threshold",
           .doc = "relative improvement that counts",
           .range = share_below_1(),
           .types = "reduce_on_plateau"},
          o.threshold);
  v.value({.key = "after_epochs",
           .doc = "epochs at the full learning rate first, of which nothing is remembered",
           .unit = "epochs",
           .range = at_least(0),
           .types = "reduce_on_plateau"},
          o.after_epochs);
  v.value({.key = "cooldown",
           .doc = "epochs after a reduction in which missing improvement is not counted",
           .unit = "epochs",
           .range = at_least(0),
           .types = "reduce_on_plateau"},
          o.cooldown);
  v.value({.key = "min_factor",
           .doc = "share of the learning rate below which it does not fall",
           .range = between(0, 1),
           .types = "reduce_on_plateau"},
          o.min_factor);
}

void visit(SettingsVisitor& v, ParameterGroup& o) {
  v.value({.key = "match", .doc = "parameters by name, for example \"*.bits\"; later groups win", .required = true},
          o.match);
  v.value({.key = "lr", .doc = "learning rate of the group", .range = at_least(0)}, o.lr);
  v.value({.key = "eps", .doc = "Adam's epsilon of the group", .range = above(0)}, o.eps);
  v.value({.key = "weight_decay", .doc = "weight decay of the group, on *.weight only", .range = at_least(0)},
          o.weight_decay);
  bool present = o.schedule.has_value();
  if (v.begin({.key = "schedule", .doc = "schedule of the group instead of train.schedule"}, present)) {
    if (!o.schedule) o.schedule.emplace();
    visit(v, *o.schedule);
    v.end();
  }
}

void visit(SettingsVisitor& v, OptimizerOptions& o) {
  const std::string_view adam = "adam, adamw", sgd = "sgd";
  v.type_of(optimizer_types, o.type);
  v.value({.key = "lr", .doc = "learning rate", .range = at_least(0)}, o.lr);
  v.value({.key = "beta1", .doc = "decay of the first moment", .range = share_below_1(), .types = adam}, o.beta1);
  v.value({.key = "beta2", .doc = "decay of the second moment", .range = share_below_1(), .types = adam}, o.beta2);
  v.value({.key = "eps", .doc = "added to the root of the second moment", .range = above(0), .types = adam}, o.eps);
  v.value({.key = "momentum", .doc = "share of the last step that goes on", .range = share_below_1(), .types = sgd},
          o.momentum);
  v.value({.key = "nesterov", .doc = "look ahead by the momentum", .types = sgd}, o.nesterov);
  v.value({.key = "weight_decay", .doc = "L2 weight decay, on *.weight only", .range = at_least(0)}, o.weight_decay);
  v.list({.key = "groups", .doc = "own settings for parameters by name"},
         {[&] { return o.groups.size(); }, [&] { o.groups.emplace_back(); }, [&] { o.groups.clear(); },
          [&](std::size_t i) { visit(v, o.groups[i]); }});
}

void visit(SettingsVisitor& v, TrainOptions& o) {
  bool present = true;
  v.value({.key = "epochs", .doc = "passes over the training images", .unit = "epochs", .range = between(1, 1e6)},
          o.epochs);
  v.value({.key = "batch_size", .doc = "images of one step", .unit = "images", .range = between(1, 1e6)}, o.batch_size);
  if (v.begin({.key = "optimizer", .doc = "how parameters move"}, present)) {
    visit(v, o.optimizer);
    v.end();
  }
  if (v.begin({.key = "schedule", .doc = "factor on the learning rate over training"}, present)) {
    visit(v, o.schedule);
    v.end();
  }
  v.value({.key = "label_smoothing", .doc = "share of the target spread over all classes", .range = share_below_1()},
          o.label_smoothing);
  v.value(
      {.key = "clip_gradient", .doc = "largest L2 norm of the whole gradient", .range = at_least(0), .word = "none"},
      o.clip_gradient);
  v.value({.key = "statistics_batches",
           .doc = "batches that re-estimate batch-norm statistics before an evaluation; 0: running statistics",
           .unit = "batches",
           .range = between(0, 1e6)},
          o.statistics_batches);
  v.value({.key = "evaluate_every",
           .doc = "time between evaluations; the last epoch is always evaluated",
           .unit = "epochs",
           .range = between(1, 1e6)},
          o.evaluate_every);
}

}  // namespace

void visit(SettingsVisitor& v, SweepDraws& o) {
  v.value({.key = "samples",
           .doc = "points drawn at random; needed where an axis is a distribution",
           .unit = "points",
           .range = between(1, 10000),
           .word = "none"},
          o.samples);
  v.value({.key = "seed", .doc = "the draws follow from it and each axis's key"}, o.seed);
}

void visit(SettingsVisitor& v, Experiment& o) {
  bool present = true;
  std::int64_t version = o.version, threads = o.device.threads;
  v.value({.key = "version", .doc = "version of this file format", .range = between(1, 1)}, version);
  o.version = static_cast<int>(version);
  v.value({.key = "name", .doc = "names the run's folder; the file's name if absent"}, o.name);
  v.value({.key = "seed", .doc = "every random draw follows from it"}, o.seed);
  if (v.begin({.key = "device", .doc = "where the work is done"}, present)) {
    text_choice(v, {.key = "type", .doc = "kind of device", .choices = device_types}, o.device.type, false);
    v.value({.key = "threads",
             .doc = "CPU threads; auto: every core this process may use",
             .range = between(0, 4096),
             .word = "auto"},
            threads);
    o.device.threads = static_cast<int>(threads);
    v.choice_of(
        {.key = "precision", .doc = "arithmetic of convolutions and linear layers on a GPU", .choices = precisions},
        o.device.precision);
    v.choice_of({.key = "convolution",
                 .doc = "whose kernels compute convolutions and linear layers on a GPU; each repeats its bits",
                 .choices = convolution_paths},
                o.device.convolution);
    v.choice_of({.key = "weight_quantization",
                 .doc = "where a bf16 convolution's weights are quantized; equal but for rounding",
                 .choices = weight_quantizations},
                o.device.weight_quantization);
    v.value({.key = "graphs", .doc = "a GPU replays each training step as one CUDA graph (Adam without clipping)"},
            o.device.graphs);
    v.end();
  }
  if (v.begin({.key = "data", .doc = "the data set", .required = true}, present)) {
    visit(v, o.data);
    v.end();
  }
  if (v.begin({.key = "compression", .doc = "how the network is made small"}, present)) {
    visit(v, o.compression);
    v.end();
  }
  if (v.begin({.key = "train", .doc = "how the network is trained"}, present)) {
    visit(v, o.train);
    v.end();
  }
  if (v.begin({.key = "checkpoint", .doc = "what is saved to resume from"}, present)) {
    v.value({.key = "every", .doc = "how often"}, o.checkpoint.every);
    v.value({.key = "keep_last", .doc = "newest checkpoints that stay", .range = between(1, 1e6)},
            o.checkpoint.keep_last);
    v.end();
  }
  if (v.begin({.key = "logging", .doc = "where progress goes"}, present)) {
    v.value({.key = "sinks", .doc = "outputs", .choices = sinks}, o.logging.sinks);
    v.end();
  }
  if (v.begin({.key = "export", .doc = "how the trained network becomes model.scnn; the run's figures are the file's"},
              present)) {
    v.choice_of({.key = "integers", .doc = "form of the integers in the file; both exact", .choices = integer_forms},
                o.exporting.integers);
    v.choice_of({.key = "reals", .doc = "form of scales, biases and batch-norm terms", .choices = real_forms},
                o.exporting.reals);
    v.value(
        {.key = "fold_batch_norm",
         .doc = "batch-norms become scales and biases of the layers before them, where no more than rounding changes"},
        o.exporting.fold_batch_norm);
    v.end();
  }
}

}  // namespace scnn::config
