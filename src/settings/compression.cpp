// The table of settings: how a network is compressed.
#include "settings/schema.h"

namespace scnn::config {
namespace {

constexpr Option compression_types[] = {
    {"none", "float weights, the baseline"},
    {"fixed_bits", "every channel has the same fixed bits; exponents are learned"},
    {"self_compress", "bits and exponents of every channel are learned, dead channels are removed (arXiv 2301.13142)"},
    {"diffq", "DiffQ: bits of groups of weights are learned through noise as large as a step (arXiv 2104.09987)"},
    {"lsq", "LSQ: every layer has the same fixed bits and a learned step (arXiv 1902.08153)"},
    {"magnitude_prune", "fixed_bits, and at given epochs the channels of smallest L1 norm go (arXiv 1608.08710)"},
};
constexpr Option noises[] = {{"gaussian", "normal, with a deviation of half a step, as the authors' default"},
                             {"uniform", "uniform over one step"}};
constexpr Option size_losses[] = {{"live_inputs", "counts live inputs and outputs (eq. 5)"},
                                  {"own_inputs", "counts all inputs (eq. 4)"}};

}  // namespace

void visit(SettingsVisitor& v, CompressionOptions& o) {
  v.type_of(compression_types, o.type);
  const std::string_view self = "self_compress", learned = "self_compress, diffq", diffq = "diffq";
  const std::string_view removing = "self_compress, magnitude_prune", prune = "magnitude_prune";
  const std::string_view fixed = "fixed_bits, lsq, magnitude_prune";
  const std::string_view exponents = "fixed_bits, self_compress, magnitude_prune";
  const std::string_view all = "fixed_bits, self_compress, diffq, lsq, magnitude_prune";
  const bool is_diffq = o.type == CompressionType::diffq;
  const NumberRange bits = between(0, 16);
  v.value({.key = "gamma",
           .doc = "weight of the size loss: more compresses harder; of diffq of the mean bits of a weight",
           .range = at_least(0),
           .types = learned},
          o.gamma);
  v.value(
      {.key = "target_bytes",
       .doc = "size of model.scnn that gamma is moved to meet, from the value of gamma on: the file ends at most 2% "
              "below it where training is long enough and the network large enough",
       .unit = "bytes",
       .range = between(1, 1e12),
       .types = self,
       .word = "none"},
      o.target_bytes);
  bool present = true;
  if (v.begin({.key = "gamma_ramp", .doc = "gamma rises in a straight line from 0 over this time", .types = learned},
              present)) {
    v.value({.key = "epochs", .doc = "length of the ramp", .unit = "epochs", .range = at_least(0)},
            o.gamma_ramp_epochs);
    v.end();
  }
  v.choice_of({.key = "size_loss", .doc = "which weights the size loss counts", .types = self, .choices = size_losses},
              o.size_loss);
  if (v.begin({.key = "init", .doc = "where learned values start", .types = learned}, present)) {
    v.value({.key = "bits",
             .doc = "bits of every channel at the start; 4 rather than 8 where training is short",
             .unit = "bits",
             .range = {.min = 0, .max = 16, .open_min = true}},
            is_diffq ? o.diffq.init_bits : o.init_bits);
    v.end();
  }
  v.value({.key = "bits",
           .doc = "bits of every channel; of lsq at least 2",
           .unit = "bits",
           .range = {.min = 0, .max = 16, .open_min = true},
           .types = fixed},
          o.bits);
  v.value(
      {.key = "min_bits", .doc = "lower end of learned bits", .unit = "bits", .range = between(2, 16), .types = diffq},
      o.diffq.min_bits);
  v.value({.key = "max_bits",
           .doc = "upper end of learned bits; of diffq 15 where it is not given",
           .unit = "bits",
           .range = {.min = 0, .max = 16, .open_min = true},
           .types = learned},
          is_diffq ? o.diffq.max_bits : o.max_bits);
  v.value({.key = "group_size",
           .doc = "weights of a channel, one after the other, that share their bits; 0: all of a channel",
           .unit = "weights",
           .range = at_least(0),
           .types = diffq},
          o.diffq.group_size);
  v.choice_of({.key = "noise", .doc = "what stands for rounding while it trains", .types = diffq, .choices = noises},
              o.diffq.noise);
  v.value({.key = "integer_exponents_from",
           .doc = "share of training after which each exponent is rounded to an integer and stays; 1: they stay real",
           .range = between(0, 1),
           .types = exponents},
          o.integer_exponents_from);
  v.value({.key = "output_min_bits",
           .doc = "floor of the layer that makes the logits: below 1, classes die",
           .unit = "bits",
           .range = bits,
           .types = self},
          o.output_min_bits);
  v.value({.key = "revive",
           .doc = "channels with zero bits go on learning and may come back while bits move; what a removal finds at "
                  "zero bits is taken "
                  "out, or frozen at once and taken out by the next one",
           .types = self},
          o.revive);
  bool pruned = true;
  if (v.begin({.key = "prune", .doc = "which channels lose their bits", .types = prune, .required = true}, pruned)) {
    v.value({.key = "fraction",
             .doc = "share of every layer's channels that is gone in the end, but for the layer that makes the logits",
             .range = share_below_1()},
            o.prune.fraction);
    v.value({.key = "epochs",
             .doc = "epochs done when channels go, increasing, an equal share at each",
             .unit = "epochs",
             .range = at_least(1),
             .required = true},
            o.prune.epochs);
    v.end();
  }
  present = o.removal.epochs > 0 || o.removal.steps > 0;
  if (v.begin({.key = "removal",
               .doc = "when dead channels are taken out of the network; none: never",
               .types = removing,
               .word = "none"},
              present)) {
    v.value({.key = "every", .doc = "how often"}, o.removal);
    v.end();
  } else if (!present) {
    o.removal = {};
  }
  present = o.guard_tolerance > 0;
  if (v.begin({.key = "guard",
               .doc = "slows a layer's decline where a look ahead, before every removal, finds harm; none: off",
               .types = self,
               .word = "none"},
              present)) {
    v.value({.key = "tolerance",
             .doc = "share of the loss that one layer's fall until the next look may add",
             .range = above(0),
             .required = true},
            o.guard_tolerance);
    v.end();
  } else if (!present) {
    o.guard_tolerance = 0;
  }
  present = o.settle_fraction > 0;
  if (v.begin({.key = "settle",
               .doc = "at the end of training bits and exponents stay (but for target_bytes, which fits the file), "
                      "the size loss is over, and the weights learn on; schedules that end with training (cosine, "
                      "anneal_end) end where it begins; none: bits move to the end",
               .types = exponents,
               .word = "none"},
              present)) {
    v.value({.key = "fraction",
             .doc = "share of training that is spent on it, its end",
             .range = {.min = 0, .max = 1, .open_min = true, .open_max = true},
             .required = true},
            o.settle_fraction);
    v.value({.key = "lr",
             .doc = "where every learning rate begins again, as a share of itself; it falls to 0 along half a cosine",
             .range = above(0)},
            o.settle_lr);
    v.end();
  } else if (!present) {
    o.settle_fraction = 0;
  }
  v.value({.key = "include", .doc = "layers to compress, by name; * stands for any characters", .types = all},
          o.include);
  v.value({.key = "exclude", .doc = "layers to leave in float, by name", .types = all}, o.exclude);
}

}  // namespace scnn::config
