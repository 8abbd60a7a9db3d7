#include <algorithm>

#include "core/numpy_file.h"
#include "export/npz.h"
#include "packed/network_json.h"

namespace scnn {
namespace {

[[noreturn]] void differs(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::check, where + ": " + what);
}

class ArchiveReader {
 public:
  explicit ArchiveReader(const std::filesystem::path& path) : archive_(path, ErrorKind::check), path_(path.string()) {}

  template <class T>
  std::vector<T> numbers(const std::string& name, const std::vector<std::int64_t>& shape) const {
    if (!archive_.contains(name)) differs(path_, "lacks " + name);
    const NumpyArray array = archive_.read(name);
    if (array.shape != shape) differs(array.where, "has shape " + array.shape_text());
    std::vector<T> values;
    for (std::size_t i = 0; i < array.size(); ++i) values.push_back(static_cast<T>(array.number(i)));
    return values;
  }
  template <class T>
  std::vector<T> list(const std::string& name, std::size_t size) const {
    return numbers<T>(name, {static_cast<std::int64_t>(size)});
  }

  void read(const std::string& name, PackedLayer& layer) const {
    const std::span<const std::int64_t> extents = layer.shape.extents();
    const std::vector<std::int64_t> shape(extents.begin(), extents.end());
    const std::vector<float> weights = numbers<float>(name + ".weight", shape);
    if (!layer.bias.empty()) layer.bias = list<float>(name + ".bias", layer.bias.size());
    if (!layer.quantized()) {
      layer.weights = weights;
      return;
    }
    const std::vector<std::int32_t> integers = numbers<std::int32_t>(name + ".integers", shape);
    const std::vector<float> scales = list<float>(name + ".scales", layer.channels.size());
    auto next = integers.begin();
    for (std::size_t o = 0; o < scales.size(); ++o) {
      IntegerChannel& channel = layer.channels[o];
      channel.scale = scales[o];
      std::copy_n(next, channel.integers.size(), channel.integers.begin());
      next += static_cast<std::ptrdiff_t>(channel.integers.size());
    }
    if (layer.effective() != weights) differs(path_, name + ".weight is not scale * integer");
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  NpzFile archive_;
  std::string path_;
};

}  // namespace

PackedModel read_npz(const std::filesystem::path& path, const PackedModel& like) {
  const ArchiveReader reader(path);
  PackedModel model = like;
  const std::string text = deploy::network_json(like);
  const auto network = reader.list<std::uint8_t>("network", text.size());
  const auto same = [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); };
  if (!std::ranges::equal(network, text, same)) differs(reader.path(), "network is another one");
  if (!model.normalization.mean.empty()) {
    model.normalization.mean = reader.list<float>("input.mean", model.normalization.mean.size());
    model.normalization.std = reader.list<float>("input.std", model.normalization.std.size());
  }
  const std::vector<SetId> sets = node_sets(model.network);
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    const std::string& name = model.network[i].name;
    ChannelSet& set = model.sets[static_cast<std::size_t>(sets[i])];
    const auto live = reader.list<std::int32_t>("channels." + name, static_cast<std::size_t>(set.size()));
    if (!std::ranges::equal(live, set.live())) differs(reader.path(), "channels." + name + " are others");
    if (model.layers[i].shape.rank() > 0) reader.read(name, model.layers[i]);
    if (!std::holds_alternative<AffineSpec>(model.network[i].options)) continue;
    model.affines[i].a = reader.list<float>(name + ".a", model.affines[i].a.size());
    model.affines[i].c = reader.list<float>(name + ".c", model.affines[i].c.size());
  }
  return model;
}

}  // namespace scnn
