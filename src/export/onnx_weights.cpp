#include "export/onnx_weights.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>

namespace scnn::deploy {
namespace {

/// A row of OHWI as a row of OIHW.
template <class T>
std::vector<T> planes(std::span<const T> row, const Shape& shape) {
  const auto places = static_cast<std::size_t>(shape[1] * shape[2]);
  const auto inputs = static_cast<std::size_t>(shape[3]);
  std::vector<T> out;
  out.reserve(row.size());
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t place = 0; place < places; ++place) out.push_back(row[place * inputs + i]);
  }
  return out;
}

/// Scales that are positive, which not every reader of ONNX can do without: signs move into the integers, unless one of
/// them would leave int8.
std::vector<IntegerChannel> rows_of(const PackedLayer& layer) {
  constexpr std::int32_t unsigned_only = 128;
  std::vector<IntegerChannel> rows;
  for (const IntegerChannel& channel : layer.channels) {
    IntegerChannel row{channel.bits, channel.scale, planes<std::int32_t>(channel.integers, layer.shape)};
    const auto low = row.integers.empty() ? 0 : *std::ranges::min_element(row.integers);
    if (row.scale < 0 && low != -unsigned_only && low != std::numeric_limits<std::int32_t>::min()) {
      row.scale = -row.scale;
      for (std::int32_t& value : row.integers) value = -value;
    }
    if (row.scale == 0) {
      row.scale = 1;
      std::ranges::fill(row.integers, 0);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The least bits of a signed number that hold all of a channel's integers, at least 2: to QONNX a signed bit is +1 or
/// -1.
int signed_bits(const IntegerChannel& row) {
  int bits = 2;
  for (const std::int32_t value : row.integers) {
    const auto magnitude = static_cast<std::uint32_t>(value < 0 ? ~value : value);
    bits = std::max(bits, static_cast<int>(std::bit_width(magnitude)) + 1);
  }
  return bits;
}

std::vector<std::int64_t> shape_of(const Shape& shape, std::int64_t rows, bool flat) {
  if (flat) return {rows, shape[3] * shape[1] * shape[2]};
  return {rows, shape[3], shape[1], shape[2]};
}

std::string as_floats(OnnxGraph& graph, const PackedLayer& layer, const std::string& name, bool flat) {
  const std::vector<float> effective = layer.effective();
  const std::size_t size = layer.shape[0] > 0 ? effective.size() / static_cast<std::size_t>(layer.shape[0]) : 0;
  std::vector<float> values;
  for (std::size_t at = 0; at < effective.size(); at += size) {
    const std::vector<float> row = planes<float>(std::span(effective).subspan(at, size), layer.shape);
    values.insert(values.end(), row.begin(), row.end());
  }
  return graph.floats(name + "/weight", shape_of(layer.shape, layer.shape[0], flat), values);
}

std::string dequantized(OnnxGraph& graph, const std::vector<IntegerChannel>& rows, const Shape& shape,
                        const std::string& name, bool flat, OnnxType type) {
  Writer integers;
  std::vector<float> scales;
  for (const IntegerChannel& row : rows) {
    scales.push_back(row.scale);
    for (const std::int32_t value : row.integers) {
      integers.bit(static_cast<std::uint64_t>(value), type == OnnxType::int4 ? 4 : 8);  // int4: the first one lowest
    }
  }
  integers.flush_bits();
  const std::string stored = graph.tensor(name + "/integers", type, shape_of(shape, shape[0], flat), integers.bytes());
  return graph.node("DequantizeLinear", {stored, graph.floats(name + "/scales", {shape[0]}, scales)}, name + "/weight",
                    {{"axis", std::int64_t{0}}});
}

/// A Quant for each width, over the rows of that width; then the rows in their order again.
std::string quantized(OnnxGraph& graph, const std::vector<IntegerChannel>& rows, const Shape& shape,
                      const std::string& name, bool flat) {
  std::map<int, std::vector<std::int64_t>> by_bits;
  for (std::size_t o = 0; o < rows.size(); ++o) by_bits[signed_bits(rows[o])].push_back(static_cast<std::int64_t>(o));
  const std::string zero = graph.floats(name + "/zero_point", {}, std::vector<float>{0});
  std::vector<std::string> parts;
  std::vector<std::int64_t> order(rows.size());
  std::int64_t place = 0;
  for (const auto& [bits, members] : by_bits) {
    std::vector<float> values, scales;
    for (const std::int64_t o : members) {
      const IntegerChannel& row = rows[static_cast<std::size_t>(o)];
      scales.push_back(row.scale);
      for (const std::int32_t value : row.integers) values.push_back(row.scale * static_cast<float>(value));
      order[static_cast<std::size_t>(o)] = place++;
    }
    const auto count = static_cast<std::int64_t>(members.size());
    const std::string suffix = "/" + std::to_string(bits) + "bit";
    std::vector<std::int64_t> broadcast(flat ? 2 : 4, 1);
    broadcast[0] = count;
    parts.push_back(
        graph.node("Quant",
                   {graph.floats(name + suffix + "/values", shape_of(shape, count, flat), values),
                    graph.floats(name + suffix + "/scales", broadcast, scales), zero,
                    graph.floats(name + suffix + "/bits", {}, std::vector<float>{static_cast<float>(bits)})},
                   name + suffix,
                   {{"signed", std::int64_t{1}}, {"narrow", std::int64_t{0}}, {"rounding_mode", std::string("ROUND")}},
                   "qonnx.custom_op.general"));
  }
  if (parts.size() == 1) return parts.front();
  const std::string joined = graph.node("Concat", parts, name + "/by_bits", {{"axis", std::int64_t{0}}});
  return graph.node("Gather", {joined, graph.indices(name + "/order", order)}, name + "/weight",
                    {{"axis", std::int64_t{0}}});
}

}  // namespace

std::string onnx_weights(OnnxGraph& graph, const PackedLayer& layer, const std::string& name, bool flat,
                         const OnnxOptions& options, OnnxWeights& report) {
  // Beyond that, value / scale in float32 may round to a neighbour.
  constexpr int most_bits_of_quant = 22;
  report = {name, "float", false};
  if (!layer.quantized()) return as_floats(graph, layer, name, flat);
  const std::vector<IntegerChannel> rows = rows_of(layer);
  int bits = 0;
  for (const IntegerChannel& row : rows) bits = std::max(bits, signed_bits(row));
  const bool qonnx = options.style == OnnxStyle::qonnx;
  if (bits > (qonnx ? most_bits_of_quant : 8)) {
    report.given = true;
    return as_floats(graph, layer, name, flat);
  }
  if (qonnx) {
    report.form = "quant";
    return quantized(graph, rows, layer.shape, name, flat);
  }
  const bool four = bits <= 4 && options.opset >= 21;
  report.form = four ? "int4" : "int8";
  return dequantized(graph, rows, layer.shape, name, flat, four ? OnnxType::int4 : OnnxType::int8);
}

}  // namespace scnn::deploy
