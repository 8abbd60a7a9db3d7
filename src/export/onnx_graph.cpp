#include "export/onnx_graph.h"

#include <algorithm>
#include <limits>

namespace scnn::deploy {
namespace {

// Numbers of fields and values: onnx.proto.

Message attribute(const OnnxAttribute& from) {
  Message out;
  out.text(1, from.first);
  if (const auto* number = std::get_if<std::int64_t>(&from.second)) {
    out.number(3, static_cast<std::uint64_t>(*number));
    out.number(20, 2);
  } else if (const auto* text = std::get_if<std::string>(&from.second)) {
    out.text(4, *text);
    out.number(20, 3);
  } else {
    for (const std::int64_t value : std::get<std::vector<std::int64_t>>(from.second)) {
      out.number(8, static_cast<std::uint64_t>(value));
    }
    out.number(20, 7);
  }
  return out;
}

Message port(const OnnxGraph::Port& from) {
  Message shape;
  for (const std::int64_t extent : from.shape) {
    Message dimension;
    if (extent == 0) {
      dimension.text(2, "N");
    } else {
      dimension.number(1, static_cast<std::uint64_t>(extent));
    }
    shape.message(1, dimension);
  }
  Message tensor, type, out;
  tensor.number(1, static_cast<std::uint64_t>(OnnxType::float32));
  tensor.message(2, shape);
  type.message(1, tensor);
  out.text(1, from.name);
  out.message(2, type);
  return out;
}

Message opset_import(const char* domain, int version) {
  Message out;
  out.text(1, domain);
  out.number(2, static_cast<std::uint64_t>(version));
  return out;
}

}  // namespace

std::string OnnxGraph::unique(const std::string& wish) {
  std::string name = wish;
  for (int i = 2; !names_.insert(name).second; ++i) name = wish + "_" + std::to_string(i);
  return name;
}

std::string OnnxGraph::tensor(const std::string& wish, OnnxType type, const std::vector<std::int64_t>& shape,
                              std::span<const std::byte> data) {
  const std::string name = unique(wish);
  Message out;
  for (const std::int64_t extent : shape) out.number(1, static_cast<std::uint64_t>(extent));
  out.number(2, static_cast<std::uint64_t>(type));
  out.text(8, name);
  out.bytes(9, data);
  tensors_.push_back(std::move(out));
  return name;
}

std::string OnnxGraph::floats(const std::string& wish, const std::vector<std::int64_t>& shape,
                              std::span<const float> values) {
  return tensor(wish, OnnxType::float32, shape, std::as_bytes(values));
}

std::string OnnxGraph::indices(const std::string& wish, const std::vector<std::int64_t>& values) {
  return tensor(wish, OnnxType::int64, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values)));
}

std::string OnnxGraph::node(const char* type, std::vector<std::string> inputs, const std::string& wish,
                            std::vector<OnnxAttribute> attributes, const char* domain) {
  nodes_.push_back({type, domain, unique(wish), std::move(inputs), std::move(attributes)});
  return nodes_.back().output;
}

void OnnxGraph::rename(const std::string& from, const std::string& to) {
  for (Node& node : nodes_) {
    if (node.output == from) node.output = to;
    std::ranges::replace(node.inputs, from, to);
  }
}

std::vector<std::byte> OnnxGraph::file(const std::string& name, int opset, const Port& input, const Port& output,
                                       const std::vector<std::pair<std::string, std::string>>& metadata) const {
  Message graph;
  bool qonnx = false;
  for (const Node& node : nodes_) {
    Message out;
    for (const std::string& from : node.inputs) out.text(1, from);
    out.text(2, node.output);
    out.text(3, node.output);
    out.text(4, node.type);
    for (const OnnxAttribute& option : node.attributes) out.message(5, attribute(option));
    if (!node.domain.empty()) out.text(7, node.domain);
    qonnx = qonnx || !node.domain.empty();
    graph.message(1, out);
  }
  graph.text(2, name);
  for (const Message& constant : tensors_) graph.message(5, constant);
  graph.message(11, port(input));
  graph.message(12, port(output));

  Message model;
  model.number(1, opset < 21 ? 7 : 10);  // ir_version: the one that came with the opset
  model.text(2, "scnn");
  model.message(7, graph);
  model.message(8, opset_import("", opset));
  if (qonnx) model.message(8, opset_import("qonnx.custom_op.general", 1));
  for (const auto& [key, value] : metadata) {
    Message entry;
    entry.text(1, key);
    entry.text(2, value);
    model.message(14, entry);
  }
  if (model.content().size() > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorKind::usage,
                "export onnx: the file would pass 2 GiB, the most a protobuf message may have; "
                "export the packed format instead");
  }
  return model.content();
}

}  // namespace scnn::deploy
