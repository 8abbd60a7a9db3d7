// The table of settings: how a network is compressed.
#include <map>

#include "scnn/compress/method.h"
#include "settings/schema.h"

namespace scnn::config {
namespace {

/// The methods as choices of `type`.
std::span<const Option> method_names() {
  static const std::vector<Option> all = [] {
    std::vector<Option> options;
    for (const MethodInfo& method : compression_methods()) options.push_back({method.name, method.help});
    return options;
  }();
  return all;
}

/// The methods that have a key, as Field::types: "self_compress, diffq".
std::string_view methods_with(std::string_view key) {
  static std::map<std::string, std::string, std::less<>> known;
  auto found = known.find(key);
  if (found == known.end()) {
    std::string types;
    for (const MethodInfo& method : compression_methods()) {
      if (!method.keys.empty() && applies(method.keys, key))
        types.append(types.empty() ? "" : ", ").append(method.name);
    }
    found = known.emplace(key, types).first;
  }
  return found->second;
}

constexpr Option noises[] = {
    {"gaussian", PseudoNoise::gaussian, "normal, with a deviation of half a step, as the authors' default"},
    {"uniform", PseudoNoise::uniform, "uniform over one step"}};
constexpr Option size_losses[] = {{"live_inputs", SizeLossForm::live_inputs, "counts live inputs and outputs (eq. 5)"},
                                  {"own_inputs", SizeLossForm::own_inputs, "counts all inputs (eq. 4)"}};

}  // namespace

void visit(SettingsVisitor& v, CompressionOptions& o) {
  text_choice(v, {.key = "type", .doc = "", .choices = method_names()}, o.type, true);
  const bool is_diffq = o.type == "diffq";
  const NumberRange bits = between(0, 16);
  v.value({.key = "gamma",
           .doc = "weight of the size loss: more compresses harder; of diffq of the mean bits of a weight",
           .range = at_least(0),
           .types = methods_with("gamma")},
          o.gamma);
  v.value(
      {.key = "target_bytes",
       .doc = "size that model.scnn must not exceed.  Training changes gamma to reach it.  The file ends at most 2% "
              "below it if training is long enough and the network large enough",
       .unit = "bytes",
       .range = between(1, 1e12),
       .types = methods_with("target_bytes"),
       .word = "none"},
      o.target_bytes);
  bool present = true;
  if (v.begin({.key = "gamma_ramp",
               .doc = "gamma rises in a straight line from 0 over this time",
               .types = methods_with("gamma_ramp")},
              present)) {
    v.value({.key = "epochs", .doc = "length of the ramp", .unit = "epochs", .range = at_least(0)},
            o.gamma_ramp_epochs);
    v.end();
  }
  v.choice_of({.key = "size_loss",
               .doc = "which weights the size loss counts",
               .types = methods_with("size_loss"),
               .choices = size_losses},
              o.size_loss);
  if (v.begin({.key = "init", .doc = "where learned values start", .types = methods_with("init")}, present)) {
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
           .types = methods_with("bits")},
          o.bits);
  v.value({.key = "min_bits",
           .doc = "lower end of learned bits",
           .unit = "bits",
           .range = between(2, 16),
           .types = methods_with("min_bits")},
          o.diffq.min_bits);
  v.value({.key = "max_bits",
           .doc = "upper end of learned bits; of diffq 15 where it is not given",
           .unit = "bits",
           .range = {.min = 0, .max = 16, .open_min = true},
           .types = methods_with("max_bits")},
          is_diffq ? o.diffq.max_bits : o.max_bits);
  v.value({.key = "group_size",
           .doc = "weights of a channel, one after the other, that share their bits; 0: all of a channel",
           .unit = "weights",
           .range = at_least(0),
           .types = methods_with("group_size")},
          o.diffq.group_size);
  v.choice_of({.key = "noise",
               .doc = "what stands for rounding while it trains",
               .types = methods_with("noise"),
               .choices = noises},
              o.diffq.noise);
  v.value({.key = "integer_exponents_from",
           .doc = "share of training after which each exponent is rounded to an integer and stays; 1: they stay real",
           .range = between(0, 1),
           .types = methods_with("integer_exponents_from")},
          o.integer_exponents_from);
  v.value({.key = "output_min_bits",
           .doc = "floor of the layer that makes the logits: below 1, classes die",
           .unit = "bits",
           .range = bits,
           .types = methods_with("output_min_bits")},
          o.output_min_bits);
  v.value({.key = "revive",
           .doc = "channels with zero bits continue to learn and may come back.  A removal takes out the channels that "
                  "have zero bits at that moment, or freezes them for the next removal",
           .types = methods_with("revive")},
          o.revive);
  bool pruned = true;
  if (v.begin(
          {.key = "prune", .doc = "which channels lose their bits", .types = methods_with("prune"), .required = true},
          pruned)) {
    v.value(
        {.key = "fraction",
         .doc = "share of every layer's channels that is removed in the end; the layer that makes the logits keeps all",
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
               .types = methods_with("removal"),
               .word = "none"},
              present)) {
    v.value({.key = "every", .doc = "how often"}, o.removal);
    v.end();
  } else if (!present) {
    o.removal = {};
  }
  v.retired("guard", "none", "the guard against forgetting was removed: a smaller gamma does the same");
  present = o.freeze_fraction > 0;
  if (v.begin(
          {.key = "freeze",
           .doc = "freezes bits and exponents for the last share of training, without size loss, while the weights "
                  "continue to learn.  Only target_bytes still shifts bits.  Schedules that end with training (cosine, "
                  "anneal_end) end where the freeze begins.  none: bits are learned to the end",
           .types = methods_with("freeze"),
           .word = "none"},
          present)) {
    v.value({.key = "fraction",
             .doc = "share of training that is spent on it, its end",
             .range = {.min = 0, .max = 1, .open_min = true, .open_max = true},
             .required = true},
            o.freeze_fraction);
    v.value({.key = "lr",
             .doc = "where every learning rate begins again, as a share of itself; it falls to 0 along half a cosine",
             .range = above(0)},
            o.freeze_lr);
    v.end();
  } else if (!present) {
    o.freeze_fraction = 0;
  }
  v.value({.key = "include",
           .doc = "layers to compress, by name; * stands for any characters",
           .types = methods_with("include")},
          o.include);
  v.value({.key = "exclude", .doc = "layers to leave in float, by name", .types = methods_with("exclude")}, o.exclude);
}

}  // namespace scnn::config
