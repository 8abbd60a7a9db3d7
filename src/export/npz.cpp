#include "export/npz.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>

#include "core/file.h"
#include "packed/byte_stream.h"
#include "packed/network_json.h"

namespace scnn {
namespace {

using deploy::Writer;

void u16(Writer& out, std::uint64_t value) { out.raw(&value, 2); }
void u32(Writer& out, std::uint64_t value) { out.raw(&value, 4); }

/// A zip archive of stored files, without times (PKWARE APPNOTE 4.3; no zip64).
class StoredZip {
 public:
  void add(const std::string& name, std::span<const std::byte> content) {
    const auto checksum = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::size_t offset = out_.size();
    if (offset + content.size() > std::numeric_limits<std::uint32_t>::max() - (1U << 24U)) {
      throw Error(ErrorKind::usage, "export npz: the archive would pass 4 GiB; export the packed format instead");
    }
    u32(out_, 0x04034B50);
    fields(out_, checksum, content.size(), name.size());
    out_.raw(name.data(), name.size());
    out_.raw(content.data(), content.size());
    u32(directory_, 0x02014B50);
    u16(directory_, 20);
    fields(directory_, checksum, content.size(), name.size());
    for (const int size : {2, 2, 2, 4}) directory_.raw("\0\0\0\0", static_cast<std::size_t>(size));
    u32(directory_, offset);
    directory_.raw(name.data(), name.size());
    ++files_;
  }

  std::vector<std::byte> finish() {
    if (files_ > std::numeric_limits<std::uint16_t>::max()) {
      throw Error(ErrorKind::usage, "export npz: too many arrays for one archive; export the packed format instead");
    }
    const std::size_t start = out_.size();
    out_.raw(directory_.bytes().data(), directory_.size());
    u32(out_, 0x06054B50);
    u32(out_, 0);
    u16(out_, files_);
    u16(out_, files_);
    u32(out_, directory_.size());
    u32(out_, start);
    u16(out_, 0);
    return std::move(out_.bytes());
  }

 private:
  /// Version 2.0, names in UTF-8, stored, 1 January 1980 00:00.
  static void fields(Writer& out, std::uint64_t checksum, std::size_t size, std::size_t name) {
    for (const std::uint64_t value : {20U, 0x0800U, 0U, 0U, 0x0021U}) u16(out, value);
    u32(out, checksum);
    u32(out, size);
    u32(out, size);
    u16(out, name);
    u16(out, 0);
  }

  Writer out_, directory_;
  std::size_t files_ = 0;
};

class Archive {
 public:
  /// An NPY 1.0 array; its data starts at a multiple of 64 bytes.
  void add(const std::string& name, const char* type, const std::vector<std::int64_t>& shape, const void* data,
           std::size_t bytes) {
    std::string header = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (";
    for (const std::int64_t extent : shape) header += std::to_string(extent) + ", ";
    header += "), }";
    header.append(63 - (10 + header.size()) % 64, ' ');
    header += '\n';
    Writer out;
    out.raw("\x93NUMPY\x01\x00", 8);
    u16(out, header.size());
    out.raw(header.data(), header.size());
    out.raw(data, bytes);
    zip_.add(name + ".npy", out.bytes());
  }
  void add(const std::string& name, const std::vector<float>& values) {
    add(name, "<f4", {static_cast<std::int64_t>(values.size())}, values.data(), values.size() * sizeof(float));
  }

  void add_layer(const std::string& name, const PackedLayer& layer) {
    const std::span<const std::int64_t> extents = layer.shape.extents();
    const std::vector<std::int64_t> shape(extents.begin(), extents.end());
    const std::vector<float> weights = layer.effective();
    add(name + ".weight", "<f4", shape, weights.data(), weights.size() * sizeof(float));
    if (!layer.bias.empty()) add(name + ".bias", layer.bias);
    if (!layer.quantized()) return;
    std::vector<std::int32_t> integers;
    std::vector<float> scales, bits;
    for (const IntegerChannel& channel : layer.channels) {
      integers.insert(integers.end(), channel.integers.begin(), channel.integers.end());
      scales.push_back(channel.scale);
      bits.push_back(channel.bits);
    }
    using Limits = std::numeric_limits<std::int16_t>;
    if (std::ranges::all_of(integers, [](std::int32_t v) { return v >= Limits::min() && v <= Limits::max(); })) {
      const std::vector<std::int16_t> small(integers.begin(), integers.end());
      add(name + ".integers", "<i2", shape, small.data(), small.size() * sizeof(std::int16_t));
    } else {
      add(name + ".integers", "<i4", shape, integers.data(), integers.size() * sizeof(std::int32_t));
    }
    add(name + ".scales", scales);
    add(name + ".bits", bits);
  }

  std::vector<std::byte> finish() { return zip_.finish(); }

 private:
  StoredZip zip_;
};

}  // namespace

std::vector<std::byte> encode_npz(const PackedModel& model) {
  Archive archive;
  const std::string text = deploy::network_json(model);
  archive.add("network", "|u1", {static_cast<std::int64_t>(text.size())}, text.data(), text.size());
  if (!model.normalization.mean.empty()) {
    archive.add("input.mean", model.normalization.mean);
    archive.add("input.std", model.normalization.std);
  }
  const std::vector<SetId> sets = node_sets(model.network);
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    const std::string& name = model.network[i].name;
    const std::span<const std::int32_t> live = model.sets[static_cast<std::size_t>(sets[i])].live();
    archive.add("channels." + name, "<i4", {static_cast<std::int64_t>(live.size())}, live.data(), live.size_bytes());
    if (model.layers[i].shape.rank() > 0) archive.add_layer(name, model.layers[i]);
    if (!std::holds_alternative<AffineSpec>(model.network[i].options)) continue;
    archive.add(name + ".a", model.affines[i].a);
    archive.add(name + ".c", model.affines[i].c);
  }
  return archive.finish();
}

void write_npz(const PackedModel& model, const std::filesystem::path& path) { write_file(path, encode_npz(model)); }

}  // namespace scnn
