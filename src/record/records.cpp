#include "record/records.h"

#include <cmath>
#include <limits>

namespace scnn {

double number(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json to_json(const StepRecord& r) {
  return {{"type", "step"}, {"epoch", r.epoch},         {"step", r.step},
          {"loss", r.loss}, {"size_loss", r.size_loss}, {"images_per_second", r.images_per_second}};
}

Json to_json(const SizeStatus& s) {
  return {{"original_weights", s.original_weights},
          {"live_weights", s.live_weights},
          {"original_channels", s.original_channels},
          {"live_channels", s.live_channels},
          {"learned_bits", s.learned_bits},
          {"packed_bits", s.packed_bits},
          {"macs", s.macs},
          {"original_macs", s.original_macs}};
}

SizeStatus size_from_json(const Json& json) {
  SizeStatus s;
  s.original_weights = json.at("original_weights");
  s.live_weights = json.at("live_weights");
  s.original_channels = json.at("original_channels");
  s.live_channels = json.at("live_channels");
  s.learned_bits = number(json.at("learned_bits"));
  s.packed_bits = json.at("packed_bits");
  s.macs = json.at("macs");
  s.original_macs = json.at("original_macs");
  return s;
}

Json to_json(const EpochRecord& r) {
  Json json = {{"type", "epoch"},
               {"epoch", r.epoch},
               {"step", r.step},
               {"train_loss", r.train_loss},
               {"train_top1", r.train_top1},
               {"size_loss", r.size_loss},
               {"gamma", r.gamma},
               {"lr", r.lr},
               {"evaluation", nullptr},
               {"size", to_json(r.size)},
               {"train_seconds", r.train_seconds},
               {"eval_seconds", r.eval_seconds},
               {"removal_seconds", r.removal_seconds},
               {"wait_seconds", r.wait_seconds},
               {"efficiency", r.efficiency}};
  if (r.evaluation) {
    json["evaluation"] = {{"split", r.evaluation_split},
                          {"loss", r.evaluation->loss},
                          {"top1", r.evaluation->top1},
                          {"images", r.evaluation->images}};
  }
  return json;
}

EpochRecord epoch_from_json(const Json& json) {
  EpochRecord r;
  r.epoch = json.at("epoch");
  r.step = json.at("step");
  r.train_loss = number(json.at("train_loss"));
  r.train_top1 = number(json.at("train_top1"));
  r.size_loss = number(json.at("size_loss"));
  r.gamma = number(json.at("gamma"));
  r.lr = number(json.at("lr"));
  if (const Json& evaluation = json.at("evaluation"); !evaluation.is_null()) {
    r.evaluation_split = evaluation.at("split");
    r.evaluation = Metrics{number(evaluation.at("loss")), number(evaluation.at("top1")), evaluation.at("images")};
  }
  r.size = size_from_json(json.at("size"));
  r.train_seconds = number(json.at("train_seconds"));
  r.eval_seconds = number(json.at("eval_seconds"));
  r.removal_seconds = number(json.at("removal_seconds"));
  r.wait_seconds = number(json.at("wait_seconds"));
  r.efficiency = json.contains("efficiency") ? number(json.at("efficiency")) : std::nan("");  // of an earlier version
  return r;
}

Json to_json(const RemovalRecord& r) {
  return {{"type", "removal"},         {"epoch", r.epoch},       {"step", r.step},
          {"layer", r.layer},          {"channels", r.channels}, {"max_diff", r.max_diff},
          {"efficiency", r.efficiency}};
}

RemovalRecord removal_from_json(const Json& json) {
  RemovalRecord r;
  r.epoch = json.at("epoch");
  r.step = json.value("step", std::int64_t{0});
  r.layer = json.at("layer");
  r.channels = json.at("channels");
  r.max_diff = number(json.at("max_diff"));
  r.efficiency = json.contains("efficiency") ? number(json.at("efficiency")) : std::nan("");
  return r;
}

Json to_json(const LayerStatus& l) {
  return {{"layer", l.layer},
          {"original_channels", l.original_channels},
          {"channels", l.channels},
          {"bits", l.bits},
          {"original_weights", l.original_weights},
          {"live_weights", l.live_weights},
          {"learned_bits", l.learned_bits},
          {"packed_bits", l.packed_bits}};
}

LayerStatus layer_from_json(const Json& json) {
  LayerStatus l;
  l.layer = json.at("layer");
  l.original_channels = json.at("original_channels");
  l.channels = json.at("channels").get<std::vector<std::int32_t>>();
  for (const Json& bits : json.at("bits")) l.bits.push_back(static_cast<float>(number(bits)));
  l.original_weights = json.at("original_weights");
  l.live_weights = json.at("live_weights");
  l.learned_bits = number(json.at("learned_bits"));
  l.packed_bits = json.at("packed_bits");
  return l;
}

}  // namespace scnn
