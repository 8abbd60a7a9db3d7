#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "packed/byte_stream.h"
#include "packed/format.h"
#include "packed/integers.h"
#include "packed/packed_width.h"
#include "packed/reals.h"

namespace scnn {
namespace {

using namespace deploy;

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, const std::string& where)
      : in_(bytes, where), elements_left_(max_elements(bytes.size())) {
    envelope(bytes, where);
  }

  PackedModel decode() {
    in_.enter("the header");
    model_.name = in_.string(max_name, "the length of the model's name");
    const std::uint64_t names = in_.varint(max_channels, "the number of class names");
    for (std::uint64_t i = 0; i < names; ++i) {
      model_.class_names.push_back(in_.string(max_name, "the length of a class name"));
    }
    const std::uint64_t channels = in_.varint(max_channels, "the number of normalized channels");
    model_.normalization.mean = read_reals(in_, channels);
    model_.normalization.std = read_reals(in_, channels);
    const std::uint64_t nodes = in_.varint(max_nodes, "the number of layers");
    for (std::uint64_t i = 0; i < nodes; ++i) node(static_cast<int>(i));
    integers();
    in_.enter("");
    if (in_.left() != checksum_bytes) in_.fail("bytes are left over behind the integers");
    check_model(model_, [this](const std::string& what) { in_.fail(what); });
    return std::move(model_);
  }

 private:
  /// Magic, version, length and checksum; leaves the reader at the body.
  void envelope(std::span<const std::byte> bytes, const std::string& where) {
    if (bytes.size() < magic.size() || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
      in_.fail("it does not begin with SCNN, so it is not a packed model");
    }
    (void)in_.raw(magic.size());
    const unsigned found = in_.byte();
    if (found != version) {
      throw Error(ErrorKind::checkpoint,
                  where + ": it is of format version " + std::to_string(found) + ", this program reads version " +
                      std::to_string(version) +
                      (found < version ? ": an older scnn wrote it; scnn export with its run folder writes it anew"
                                       : ": it needs a newer scnn"));
    }
    const std::uint64_t body = in_.varint(std::numeric_limits<std::uint32_t>::max(), "its length");
    if (in_.left() != body + checksum_bytes) {
      in_.fail("it should have " + std::to_string(in_.position() + body + checksum_bytes) + " bytes and has " +
               std::to_string(bytes.size()));
    }
    std::uint32_t stored = 0;
    const std::size_t covered = bytes.size() - checksum_bytes;
    std::memcpy(&stored, bytes.data() + covered, checksum_bytes);
    if (crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), covered) != stored) {
      in_.fail("its checksum is wrong");
    }
  }

  /// Counts elements that memory is about to be asked for.
  void claim(std::uint64_t& left, std::initializer_list<std::uint64_t> extents) {
    std::uint64_t product = 1;
    for (const std::uint64_t extent : extents) {
      product *= extent;  // no overflow: an extent is below 2^16, the product so far at most `left`
      if (product > left) in_.fail("it has more weights than a file of its size may have");
    }
    left -= product;
  }

  std::int64_t number(std::uint64_t low, std::uint64_t high, const char* what) {
    const std::uint64_t value = in_.varint(high, what);
    if (value < low) in_.fail(std::string(what) + " is " + std::to_string(value));
    return static_cast<std::int64_t>(value);
  }
  Extent2 extent(std::uint64_t low, const char* what) {
    const std::int64_t h = number(low, max_extent, what);
    return {h, number(low, max_extent, what)};
  }
  unsigned flags(unsigned known) {
    const auto value = static_cast<unsigned>(in_.varint(0xFFFF, "a flag"));
    if ((value & ~known) != 0) in_.fail("unknown flags are set");
    return value;
  }
  Padding padding(unsigned code) {
    if (code > static_cast<unsigned>(Padding::valid)) in_.fail("its padding is unknown");
    return static_cast<Padding>(code);
  }

  void node(int index) {
    in_.enter("layer " + std::to_string(index));
    const unsigned head = in_.byte();
    if ((head & type_mask) >= node_types || (head & ~(type_mask | has_inputs | has_name)) != 0) {
      in_.fail("its type is unknown");
    }
    const auto type = static_cast<NodeType>(head & type_mask);
    if ((index == 0) != (type == NodeType::input)) in_.fail("layer 0, and only it, must be the input");
    LayerSpec& spec = model_.network.emplace_back();
    inputs(spec, index, (head & has_inputs) != 0);
    flags_ = 0;
    spec.options = options(type);
    if ((head & has_name) != 0) {
      spec.name = in_.string(max_name, "the length of its name");
    } else {
      spec.name = std::string(name_stem(type, spec.options)) + "_" + std::to_string(number(0, max_nodes, "its number"));
    }
    in_.enter("layer '" + spec.name + "'");
    const bool own_set = makes_set(spec.options);
    if (own_set) {
      sets_.push_back(static_cast<SetId>(model_.sets.size()));
      model_.sets.push_back(channel_set(spec.options));
    } else {
      sets_.push_back(sets_[static_cast<std::size_t>(spec.inputs.front())]);
    }
    model_.layers.emplace_back();
    model_.affines.emplace_back();
    if (type == NodeType::conv2d || type == NodeType::linear) weights(spec, model_.layers.back());
    if (type == NodeType::affine) {
      const auto size = static_cast<std::uint64_t>(set_of(index).size());
      model_.affines.back().a = read_reals(in_, size);
      model_.affines.back().c = read_reals(in_, size);
    }
  }

  [[nodiscard]] const ChannelSet& set_of(int node) const {
    return model_.sets[static_cast<std::size_t>(sets_[static_cast<std::size_t>(node)])];
  }

  void inputs(LayerSpec& spec, int index, bool listed) {
    if (!listed) {
      if (index > 0) spec.inputs = {index - 1};
      return;
    }
    const std::int64_t count = number(1, max_nodes, "the number of its inputs");
    for (std::int64_t i = 0; i < count; ++i) {
      spec.inputs.push_back(index - static_cast<int>(number(1, static_cast<std::uint64_t>(index), "an input")));
    }
  }

  LayerOptions options(NodeType type) {
    switch (type) {
      case NodeType::input: {
        const Extent2 image = extent(1, "an extent of the image");
        return InputSpec{1, image.h, image.w};
      }
      case NodeType::conv2d:
        return conv2d();
      case NodeType::linear: {
        flags_ = flags(linear_flags);
        window_ = extent(1, "an extent of its weights");
        return LinearSpec{1, (flags_ & flag_bias) != 0};
      }
      case NodeType::affine:
        return AffineSpec{};
      case NodeType::relu:
        return ReluSpec{};
      case NodeType::pool:
        return pool();
      case NodeType::flatten:
        return FlattenSpec{};
      case NodeType::scale:
        return ScaleSpec{in_.real()};
      case NodeType::add:
        return AddSpec{};
      case NodeType::concat:
        return ConcatSpec{};
    }
    in_.fail("its type is unknown");
  }

  Conv2dSpec conv2d() {
    flags_ = flags(conv2d_flags);
    Conv2dSpec conv;
    conv.bias = (flags_ & flag_bias) != 0;
    conv.padding = padding((flags_ >> padding_shift) & 3U);
    conv.depthwise = (flags_ & flag_depthwise) != 0;
    window_ = conv.kernel = extent(1, "its kernel");
    if ((flags_ & flag_stride) != 0) conv.stride = extent(1, "its stride");
    if ((flags_ & flag_dilation) != 0) conv.dilation = extent(1, "its dilation");
    if (conv.padding == Padding::explicit_) conv.pad = extent(0, "its padding");
    if (conv.depthwise && (flags_ & flag_groups) != 0) in_.fail("it is depthwise and has groups");
    if ((flags_ & flag_groups) != 0) conv.groups = number(2, max_channels, "the number of its groups");
    return conv;
  }

  PoolSpec pool() {
    const unsigned flags_found = in_.byte();
    if ((flags_found & ~pool_flags) != 0) in_.fail("unknown flags are set");
    PoolSpec pool;
    pool.kind = (flags_found & flag_average) != 0 ? PoolKind::average : PoolKind::max;
    pool.global = (flags_found & flag_global) != 0;
    pool.padding = padding(flags_found >> pool_padding_shift);
    if (pool.global) return pool;
    pool.kernel = extent(1, "its window");
    pool.stride = extent(1, "its stride");
    if (pool.padding == Padding::explicit_) pool.pad = extent(0, "its padding");
    return pool;
  }

  /// Also fills in the channels that the layer's options declare.
  ChannelSet channel_set(LayerOptions& options) {
    const auto code = static_cast<std::uint64_t>(number(2, 2 * max_channels + 1, "the number of its channels"));
    const auto original = static_cast<std::int32_t>(code >> 1U);
    claim(elements_left_, {static_cast<std::uint64_t>(original)});
    if (auto* input = std::get_if<InputSpec>(&options)) input->channels = original;
    if (auto* conv = std::get_if<Conv2dSpec>(&options)) conv->out = original;
    if (auto* linear = std::get_if<LinearSpec>(&options)) linear->out = original;
    if ((code & 1U) == 0) return ChannelSet(original);
    const std::vector<bool> mask = in_.mask(static_cast<std::uint64_t>(original));
    std::vector<std::int32_t> live;
    for (std::int32_t channel = 0; channel < original; ++channel) {
      if (mask[static_cast<std::size_t>(channel)]) live.push_back(channel);
    }
    return {original, std::move(live)};
  }

  void weights(const LayerSpec& spec, PackedLayer& layer) {
    const auto outputs = static_cast<std::uint64_t>(model_.sets.back().size());
    const auto inputs = static_cast<std::uint64_t>(weight_inputs(spec.options, set_of(spec.inputs.front())));
    const auto h = static_cast<std::uint64_t>(window_.h), w = static_cast<std::uint64_t>(window_.w);
    claim(elements_left_, {outputs, h, w, inputs});
    const ChannelSet all(set_of(spec.inputs.front()).original());
    const auto original_inputs = static_cast<std::uint64_t>(weight_inputs(spec.options, all));
    claim(original_left_, {static_cast<std::uint64_t>(model_.sets.back().original()), h, w, original_inputs});
    layer.shape = {static_cast<std::int64_t>(outputs), window_.h, window_.w, static_cast<std::int64_t>(inputs)};
    if ((flags_ & flag_bias) != 0) layer.bias = read_reals(in_, outputs);
    if ((flags_ & flag_integers) == 0) {
      if ((flags_ & flag_columns) != 0) in_.fail("columns are dropped from float weights");
      layer.weights = read_reals(in_, static_cast<std::uint64_t>(layer.shape.size()));
      return;
    }
    const std::vector<float> scales = read_reals(in_, outputs);
    for (const float scale : scales) layer.channels.push_back({0, scale, std::vector<std::int32_t>(h * w * inputs)});
    StoredColumns stored{model_.layers.size() - 1, std::vector<bool>(inputs, true)};
    if ((flags_ & flag_columns) != 0) {
      if (!has_columns(spec.options)) in_.fail("columns are dropped from grouped weights");
      stored.columns = in_.mask(inputs);
    }
    stored_.push_back(std::move(stored));
  }

  /// Which columns of a layer with integers are stored.
  struct StoredColumns {
    std::size_t layer = 0;
    std::vector<bool> columns;
  };

  void activations() {
    in_.enter("the scales of activations");
    const std::vector<bool> some = in_.mask(model_.network.size());
    model_.activations.resize(some.size());
    const std::vector<float> steps = read_reals(in_, static_cast<std::uint64_t>(std::ranges::count(some, true)));
    std::size_t next = 0;
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (!some[i]) continue;
      const float step = steps[next++];
      if (!(step >= 1e-30F && step <= 1e30F)) in_.fail("a step of an activation is not between 1e-30 and 1e30");
      model_.activations[i] = {step, static_cast<int>(in_.byte())};
    }
    in_.enter("the integers");
  }

  void integers() {
    in_.enter("the integers");
    const unsigned form = in_.byte();
    if (form > (static_cast<unsigned>(IntegerForm::coded) | form_activations)) {
      in_.fail("the form of the integers is unknown");
    }
    model_.integers = static_cast<IntegerForm>(form & ~form_activations);
    if ((form & form_activations) != 0) activations();
    std::vector<RowsShape> shapes;
    for (const StoredColumns& stored : stored_) {
      const Shape& shape = model_.layers[stored.layer].shape;
      const auto columns = static_cast<std::uint64_t>(std::ranges::count(stored.columns, true));
      shapes.push_back(
          {static_cast<std::uint64_t>(shape[0]), static_cast<std::uint64_t>(shape[1] * shape[2]) * columns});
    }
    const auto take = [this](std::size_t layer, std::size_t channel, const std::vector<std::int32_t>& row) {
      const std::vector<bool>& columns = stored_[layer].columns;
      IntegerChannel& to = model_.layers[stored_[layer].layer].channels[channel];
      to.bits = static_cast<float>(packed_width(row));
      std::size_t next = 0;
      for (std::size_t k = 0; k < to.integers.size(); ++k) {
        if (columns[k % columns.size()]) to.integers[k] = row[next++];
      }
    };
    read_integers(in_, in_.left() - checksum_bytes, model_.integers, shapes, take);
  }

  Reader in_;
  PackedModel model_;
  std::vector<SetId> sets_;  ///< of each node's output
  std::uint64_t elements_left_, original_left_ = max_original_weights;
  unsigned flags_ = 0;  ///< of the layer being read
  Extent2 window_;      ///< rows and columns of its weights
  std::vector<StoredColumns> stored_;
};

}  // namespace

PackedModel decode(std::span<const std::byte> bytes, const std::string& where) {
  return Decoder(bytes, where).decode();
}

}  // namespace scnn
