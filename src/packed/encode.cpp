#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "packed/byte_stream.h"
#include "packed/format.h"
#include "packed/integers.h"
#include "packed/packed_width.h"
#include "packed/reals.h"

namespace scnn {
namespace {

using namespace deploy;

/// The number n of a name "<stem>_<n>", written the way a program writes it.
std::optional<std::uint64_t> default_number(const std::string& name, const std::string& stem) {
  if (!name.starts_with(stem + "_")) return std::nullopt;
  const char* first = name.data() + stem.size() + 1;
  const char* last = name.data() + name.size();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc() || end != last || number > max_nodes || std::to_string(number) != first) return std::nullopt;
  return number;
}

NodeType type_of(const LayerOptions& options) {
  struct Type {
    NodeType operator()(const InputSpec&) const { return NodeType::input; }
    NodeType operator()(const Conv2dSpec&) const { return NodeType::conv2d; }
    NodeType operator()(const LinearSpec&) const { return NodeType::linear; }
    NodeType operator()(const AffineSpec&) const { return NodeType::affine; }
    NodeType operator()(const ReluSpec&) const { return NodeType::relu; }
    NodeType operator()(const PoolSpec&) const { return NodeType::pool; }
    NodeType operator()(const FlattenSpec&) const { return NodeType::flatten; }
    NodeType operator()(const ScaleSpec&) const { return NodeType::scale; }
    NodeType operator()(const AddSpec&) const { return NodeType::add; }
    NodeType operator()(const ConcatSpec&) const { return NodeType::concat; }
    NodeType operator()(const BatchNormSpec&) const { return unpacked("batch_norm"); }
    NodeType operator()(const DropoutSpec&) const { return unpacked("dropout"); }
    static NodeType unpacked(const char* type) {
      throw Error(ErrorKind::bug, std::string("encode: a packed model has no ") + type + " layer; call pack() first");
    }
  };
  return std::visit(Type{}, options);
}

class Encoder {
 public:
  explicit Encoder(const PackedModel& model) : model_(model) {
    check_model(model, [](const std::string& what) { throw Error(ErrorKind::bug, "encode: the model: " + what); });
    std::uint64_t elements = 0;
    for (const ChannelSet& set : model.sets) elements += static_cast<std::uint64_t>(set.original());
    for (const PackedLayer& layer : model.layers) {
      if (layer.shape.rank() > 0) elements += static_cast<std::uint64_t>(layer.shape.size());
    }
    begin_part("");
    body();
    integers();
    finish(elements);
  }

  std::vector<std::byte> bytes() { return std::move(file_); }
  std::vector<FilePart> parts() { return std::move(parts_); }

 private:
  /// Counts what was written since the last call as `kind`.
  void count(FileBytes kind) {
    parts_.back().bytes[static_cast<std::size_t>(kind)] += out_.size() - counted_;
    counted_ = out_.size();
  }
  void begin_part(const std::string& layer) {
    parts_.emplace_back();
    parts_.back().layer = layer;
  }

  void body() {
    out_.string(model_.name);
    out_.varint(model_.class_names.size());
    for (const std::string& text : model_.class_names) out_.string(text);
    out_.varint(model_.normalization.mean.size());
    write_reals(out_, model_.normalization.mean);
    write_reals(out_, model_.normalization.std);
    out_.varint(model_.network.size());
    count(FileBytes::header);
    const std::vector<SetId> sets = node_sets(model_.network);
    for (std::size_t i = 0; i < model_.network.size(); ++i) {
      const LayerSpec& spec = model_.network[i];
      begin_part(spec.name);
      structure(spec, static_cast<int>(i));
      if (makes_set(spec.options)) channel_set(model_.sets[static_cast<std::size_t>(sets[i])]);
      if (model_.layers[i].shape.rank() > 0) weights(model_.layers[i], spec.options);
      write_reals(out_, model_.affines[i].a);
      write_reals(out_, model_.affines[i].c);
      count(FileBytes::affine);
    }
  }

  void structure(const LayerSpec& spec, int node) {
    const NodeType type = type_of(spec.options);
    const auto number = default_number(spec.name, name_stem(type, spec.options));
    const bool chained = node == 0 || (spec.inputs.size() == 1 && spec.inputs.front() == node - 1);
    out_.byte(static_cast<unsigned>(type) | (chained ? 0 : has_inputs) | (number ? 0 : has_name));
    if (!chained) {
      out_.varint(spec.inputs.size());
      for (const int from : spec.inputs) out_.varint(static_cast<std::uint64_t>(node - from));
    }
    std::visit([&](const auto& options) { write_options(options, model_.layers[static_cast<std::size_t>(node)]); },
               spec.options);
    // Behind the options: the stem of a pool's name depends on them.
    if (number) {
      out_.varint(*number);
    } else {
      out_.string(spec.name);
    }
    count(FileBytes::structure);
  }

  void extent(const Extent2& value) {
    out_.varint(static_cast<std::uint64_t>(value.h));
    out_.varint(static_cast<std::uint64_t>(value.w));
  }

  template <class Options>
  void write_options(const Options&, const PackedLayer&) {}
  void write_options(const InputSpec& input, const PackedLayer&) { extent({input.h, input.w}); }
  void write_options(const ScaleSpec& scale, const PackedLayer&) { out_.real(scale.factor); }
  void write_options(const PoolSpec& pool, const PackedLayer&) {
    const unsigned padding = pool.global ? 0 : static_cast<unsigned>(pool.padding);
    out_.byte((pool.kind == PoolKind::average ? flag_average : 0) | (pool.global ? flag_global : 0) |
              (padding << pool_padding_shift));
    if (pool.global) return;
    extent(pool.kernel);
    extent(pool.stride);
    if (pool.padding == Padding::explicit_) extent(pool.pad);
  }
  void write_options(const Conv2dSpec& conv, const PackedLayer& layer) {
    const Extent2 one{1, 1};
    const std::int64_t groups = conv.depthwise ? 1 : conv.groups;
    out_.varint(weight_flags(layer, conv) | (static_cast<unsigned>(conv.padding) << padding_shift) |
                (conv.stride == one ? 0 : flag_stride) | (conv.depthwise ? flag_depthwise : 0) |
                (conv.dilation == one ? 0 : flag_dilation) | (groups == 1 ? 0 : flag_groups));
    extent(conv.kernel);
    if (conv.stride != one) extent(conv.stride);
    if (conv.dilation != one) extent(conv.dilation);
    if (conv.padding == Padding::explicit_) extent(conv.pad);
    if (groups != 1) out_.varint(static_cast<std::uint64_t>(groups));
  }
  void write_options(const LinearSpec& linear, const PackedLayer& layer) {
    out_.varint(weight_flags(layer, linear));
    extent({layer.shape[1], layer.shape[2]});
  }

  static unsigned weight_flags(const PackedLayer& layer, const LayerOptions& options) {
    const bool some_dropped = !std::ranges::all_of(stored_columns(layer, options), [](bool b) { return b; });
    return (layer.bias.empty() ? declares_bias(options) : flag_bias) | (layer.quantized() ? flag_integers : 0) |
           (some_dropped ? flag_columns : 0);
  }
  /// A layer may declare a bias and have no output left.
  static unsigned declares_bias(const LayerOptions& options) {
    const auto* conv = std::get_if<Conv2dSpec>(&options);
    return (conv != nullptr ? conv->bias : std::get<LinearSpec>(options).bias) ? flag_bias : 0;
  }

  void channel_set(const ChannelSet& set) {
    const bool full = set.size() == set.original();
    out_.varint((static_cast<std::uint64_t>(set.original()) << 1U) | (full ? 0U : 1U));
    count(FileBytes::structure);
    if (full) return;
    std::vector<bool> live(static_cast<std::size_t>(set.original()));
    for (const std::int32_t channel : set.live()) live[static_cast<std::size_t>(channel)] = true;
    out_.mask(live);
    count(FileBytes::masks);
  }

  void weights(const PackedLayer& layer, const LayerOptions& options) {
    parts_.back().weights = layer.shape.size();
    write_reals(out_, layer.bias);
    count(FileBytes::bias);
    if (!layer.quantized()) {
      write_reals(out_, layer.weights);
      parts_.back().packed_bits = 32 * layer.shape.size();
      return count(FileBytes::weights);
    }
    std::vector<float> scales;
    for (const IntegerChannel& channel : layer.channels) scales.push_back(channel.scale);
    write_reals(out_, scales);
    count(FileBytes::scales);
    const std::vector<bool> columns = stored_columns(layer, options);
    if (!std::ranges::all_of(columns, [](bool b) { return b; })) out_.mask(columns);
    count(FileBytes::masks);
    Rows rows;
    for (const IntegerChannel& channel : layer.channels) {
      std::vector<std::int32_t>& row = rows.emplace_back();
      for (std::size_t k = 0; k < channel.integers.size(); ++k) {
        if (columns[k % columns.size()]) row.push_back(channel.integers[k]);
      }
      parts_.back().packed_bits += static_cast<std::int64_t>(row.size()) * packed_width(row);
    }
    rows_.push_back(std::move(rows));
    rows_part_.push_back(parts_.size() - 1);
  }

  void integers() {
    out_.byte(static_cast<unsigned>(model_.integers) | (model_.activations.empty() ? 0 : form_activations));
    const auto add = [this](std::size_t part, FileBytes kind, std::size_t end) {
      parts_[part].bytes[static_cast<std::size_t>(kind)] += end - counted_;
      counted_ = end;
    };
    add(0, FileBytes::header, out_.size());
    activations();
    add(0, FileBytes::activations, out_.size());
    std::vector<std::size_t> ends;
    write_integers(out_, rows_, model_.integers, [&](int layer, std::size_t end) {
      layer < 0 ? add(0, FileBytes::ranges, end) : ends.push_back(end);
    });
    // The coder's last bytes are cut: the file may end before where it stood behind the last layers.
    if (!ends.empty()) ends.back() = out_.size();
    for (std::size_t i = 0; i < ends.size(); ++i) {
      add(rows_part_[i], FileBytes::integers, std::min(ends[i], out_.size()));
    }
  }

  void activations() {
    if (model_.activations.empty()) return;
    std::vector<bool> some;
    std::vector<float> steps;
    for (const ActivationQuantization& quantization : model_.activations) {
      some.push_back(quantization.scale != 0);
      if (quantization.scale != 0) steps.push_back(quantization.scale);
    }
    out_.mask(some);
    write_reals(out_, steps);
    for (const ActivationQuantization& quantization : model_.activations) {
      if (quantization.scale != 0) out_.byte(static_cast<std::uint64_t>(quantization.zero_point));
    }
  }

  void finish(std::uint64_t elements) {
    Writer file;
    file.raw(magic.data(), magic.size());
    file.byte(version);
    file.varint(out_.size());
    file.raw(out_.bytes().data(), out_.size());
    const auto* data = reinterpret_cast<const Bytef*>(file.bytes().data());
    const auto checksum = static_cast<std::uint32_t>(crc32_z(0, data, file.size()));
    file.raw(&checksum, checksum_bytes);
    parts_.front().bytes[static_cast<std::size_t>(FileBytes::header)] += file.size() - out_.size();
    file_ = std::move(file.bytes());
    if (elements > max_elements(file_.size())) {
      throw Error(ErrorKind::training, "encode: nearly all of " + std::to_string(elements) +
                                           " weights and channels are zero and the format has no room for so many; "
                                           "lower gamma or use a smaller network");
    }
  }

  const PackedModel& model_;
  Writer out_;
  std::vector<FilePart> parts_;
  std::size_t counted_ = 0;
  std::vector<Rows> rows_;              ///< of each layer with integers
  std::vector<std::size_t> rows_part_;  ///< and its part
  std::vector<std::byte> file_;
};

}  // namespace

std::vector<std::byte> encode(const PackedModel& model) { return Encoder(model).bytes(); }

std::vector<FilePart> account(const PackedModel& model) { return Encoder(model).parts(); }

std::int64_t coded_bits(PackedModel model) {
  model.integers = IntegerForm::coded;
  std::size_t bytes = 0;
  for (const FilePart& part : account(model)) {
    bytes += part.of(FileBytes::ranges) + part.of(FileBytes::integers);
  }
  return 8 * static_cast<std::int64_t>(bytes);
}

std::size_t FilePart::total() const {
  std::size_t sum = 0;
  for (const std::size_t part : bytes) sum += part;
  return sum;
}

const char* name(FileBytes kind) {
  static constexpr std::array<const char*, file_bytes_kinds> names = {
      "header", "structure", "masks", "ranges", "scales", "integers", "weights", "bias", "affine", "activations"};
  return names.at(static_cast<std::size_t>(kind));
}

}  // namespace scnn
