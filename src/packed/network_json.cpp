#include "packed/network_json.h"

#include <nlohmann/json.hpp>

namespace scnn::deploy {
namespace {

using nlohmann::ordered_json;

ordered_json pair(const Extent2& value) { return {value.h, value.w}; }

const char* name(Padding padding) {
  return padding == Padding::same ? "same" : padding == Padding::valid ? "valid" : "explicit";
}

struct Options {
  ordered_json& out;

  template <class T>
  void operator()(const T&) const {}
  void operator()(const InputSpec& input) const { out["size"] = {input.h, input.w, input.channels}; }
  void operator()(const Conv2dSpec& conv) const {
    out["out"] = conv.out;
    out["kernel"] = pair(conv.kernel);
    out["stride"] = pair(conv.stride);
    out["dilation"] = pair(conv.dilation);
    out["padding"] = name(conv.padding);
    out["pad"] = pair(conv.pad);
    out["groups"] = conv.groups;
    out["depthwise"] = conv.depthwise;
  }
  void operator()(const LinearSpec& linear) const { out["out"] = linear.out; }
  void operator()(const PoolSpec& pool) const {
    if (pool.global) return;
    out["kernel"] = pair(pool.kernel);
    out["stride"] = pair(pool.stride);
    out["padding"] = name(pool.padding);
    out["pad"] = pair(pool.pad);
  }
  void operator()(const ScaleSpec& scale) const { out["factor"] = scale.factor; }
};

}  // namespace

std::string network_json(const PackedModel& model) {
  ordered_json root;
  root["name"] = model.name;
  root["classes"] = model.class_names;
  root["layers"] = ordered_json::array();
  const std::vector<SetId> sets = node_sets(model.network);
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    const LayerSpec& spec = model.network[i];
    ordered_json layer;
    layer["name"] = spec.name;
    layer["type"] = type_name(spec.options);
    layer["inputs"] = spec.inputs;
    layer["channels"] = model.sets[static_cast<std::size_t>(sets[i])].original();
    std::visit(Options{layer}, spec.options);
    root["layers"].push_back(std::move(layer));
  }
  return root.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace scnn::deploy
