#include <limits>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

void add_loss(const char* name, std::int64_t batch, std::int64_t classes, float smoothing, double spread, bool gradient,
              std::vector<OpCase>& cases) {
  cases.push_back({.op = "softmax_cross_entropy",
                   .name = name,
                   .tolerance = 2e-6,
                   .prepare =
                       [=] {
                         Arrays a{{"logits", uniform_array({batch, classes}, 1, -spread, spread)},
                                  {"labels", zeros({batch})},
                                  {"loss", junk({batch})},
                                  {"predicted", junk({batch}, DType::int32)},
                                  {"dlogits", junk({batch, classes})}};
                         a["labels"].dtype = DType::int32;
                         for (std::int64_t n = 0; n < batch; ++n) {
                           a["labels"][n] = static_cast<double>((7 * n + 3) % classes);
                         }
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.softmax_cross_entropy(t["logits"], t["labels"], smoothing, t["loss"], t["predicted"],
                                                 gradient ? &t["dlogits"] : nullptr);
                       },
                   .expect =
                       [=](const Arrays& a) {
                         Arrays r = reference::softmax_cross_entropy(a.at("logits"), a.at("labels"), smoothing);
                         if (!gradient) r.erase("dlogits");
                         return r;
                       },
                   .gradients = gradient ? std::vector<std::pair<std::string, std::string>>{{"dlogits", "logits"}}
                                         : std::vector<std::pair<std::string, std::string>>{},
                   .objective =
                       [=](const Arrays& a) {
                         const Array loss =
                             reference::softmax_cross_entropy(a.at("logits"), a.at("labels"), smoothing).at("loss");
                         double sum = 0;
                         for (const double v : loss.values) sum += v / static_cast<double>(batch);
                         return sum;
                       }});
}

/// Which parts of the update rule a case uses.
struct Rules {
  bool bits = false, pull = false, clamped = false;
};

Arrays state_of(const Shape& shape, const Rules& rules) {
  Arrays a{{"value", uniform_array(shape, 1)},
           {"gradient", uniform_array(shape, 2)},
           {"m", uniform_array(shape, 3)},
           {"v", uniform_array(shape, 4, 0, 1)}};
  if (rules.bits) {
    a["bits"] = uniform_array({shape[0]}, 5, 1, 4);
    for (std::int64_t i = 0; i < shape[0]; i += 3) a["bits"][i] = 0;
  }
  if (rules.pull) {
    a["pull"] = uniform_array(shape, 6, -0.5, 0.5);
    for (double& p : a["pull"].values) p = p > 0 ? p : 0;
  }
  return a;
}

UpdateRule rule_of(const Tensors& t, const Rules& rules) {
  UpdateRule rule;
  if (rules.clamped) {
    rule.lower = -0.5F;
    rule.upper = 0.25F;
  }
  rule.bits = rules.bits ? &t.at("bits") : nullptr;
  rule.pull = rules.pull ? &t.at("pull") : nullptr;
  return rule;
}

reference::Rule rule_of(const Arrays& a, const Rules& rules) {
  const double infinity = std::numeric_limits<double>::infinity();
  return {rules.clamped ? -0.5 : -infinity, rules.clamped ? 0.25 : infinity, rules.bits ? &a.at("bits") : nullptr,
          rules.pull ? &a.at("pull") : nullptr};
}

void add_adam(const char* name, const Shape& shape, const AdamStep& step, const Rules& rules,
              std::vector<OpCase>& cases) {
  cases.push_back(
      {.op = "adam",
       .name = name,
       .tolerance = 2e-6,
       .prepare = [=] { return state_of(shape, rules); },
       .run = [=](Backend& b,
                  Tensors& t) { b.adam(step, rule_of(t, rules), t["gradient"], t["m"], t["v"], t["value"]); },
       .expect =
           [=](Arrays a) {
             reference::adam(step, rule_of(a, rules), a["gradient"], a["m"], a["v"], a["value"]);
             return Arrays{{"value", a["value"]}, {"m", a["m"]}, {"v", a["v"]}};
           }});
}

void add_sgd(const char* name, const Shape& shape, const SgdStep& step, const Rules& rules,
             std::vector<OpCase>& cases) {
  cases.push_back(
      {.op = "sgd",
       .name = name,
       .tolerance = 2e-6,
       .prepare = [=] { return state_of(shape, rules); },
       .run = [=](Backend& b, Tensors& t) { b.sgd(step, rule_of(t, rules), t["gradient"], t["m"], t["value"]); },
       .expect =
           [=](Arrays a) {
             reference::sgd(step, rule_of(a, rules), a["gradient"], a["m"], a["value"]);
             return Arrays{{"value", a["value"]}, {"m", a["m"]}};
           }});
}

}  // namespace

std::vector<OpCase> training_cases() {
  std::vector<OpCase> cases;
  add_loss("10 classes", 33, 10, 0, 3, true, cases);
  add_loss("10 classes, smoothing 0.2", 4, 10, 0.2F, 3, true, cases);
  add_loss("100 classes, smoothing 0.1", 9, 100, 0.1F, 3, true, cases);
  add_loss("large logits", 5, 7, 0.1F, 80, true, cases);
  add_loss("loss only, 100 classes", 200, 100, 0, 5, false, cases);
  add_loss("2 classes, batch 1", 1, 2, 0.1F, 3, true, cases);
  add_loss("empty batch", 0, 10, 0, 3, true, cases);

  AdamStep adam{.lr = 0.01F, .eps = 1e-5F, .correction1 = 0.271F, .correction2 = 0.00299F};
  add_adam("plain", {17, 3, 3, 5}, adam, {}, cases);
  add_adam("70000 values", {70000}, adam, {}, cases);
  add_adam("dead rows", {17, 61}, adam, {.bits = true}, cases);
  add_adam("pulled", {61}, adam, {.pull = true}, cases);
  add_adam("dead rows, some pulled", {61}, adam, {.bits = true, .pull = true}, cases);
  add_adam("clamped", {61}, adam, {.clamped = true}, cases);
  add_adam("everything", {17, 3}, adam, {.bits = true, .pull = true, .clamped = true}, cases);
  adam.weight_decay = 0.1F;
  adam.gradient_scale = 0.3F;
  add_adam("decay, clipped gradient", {17, 3}, adam, {}, cases);
  adam.decoupled = true;
  add_adam("AdamW", {17, 3}, adam, {}, cases);
  add_adam("AdamW, dead rows", {17, 3}, adam, {.bits = true}, cases);

  SgdStep sgd;
  add_sgd("plain", {17, 5}, sgd, {}, cases);
  sgd.momentum = 0.9F;
  sgd.weight_decay = 0.05F;
  sgd.gradient_scale = 0.5F;
  add_sgd("momentum, decay, clipped gradient", {61, 3}, sgd, {}, cases);
  sgd.nesterov = true;
  add_sgd("Nesterov", {61, 3}, sgd, {}, cases);
  add_sgd("Nesterov, everything", {17, 3}, sgd, {.bits = true, .pull = true, .clamped = true}, cases);
  return cases;
}

}  // namespace scnn::test
