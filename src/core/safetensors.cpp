#include "scnn/core/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "core/half.h"
#include "core/json_problem.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The limit of the format's own implementation; far above any header of ours.
constexpr std::uint64_t max_header_bytes = 100'000'000;
constexpr std::uint64_t length_bytes = 8;
constexpr const char* metadata_key = "__metadata__";

static_assert(std::endian::native == std::endian::little, "safetensors are copied as they lie: little-endian only");

constexpr std::array<std::pair<DType, std::string_view>, 3> dtype_codes{{
    {DType::float32, "F32"},
    {DType::int32, "I32"},
    {DType::uint8, "U8"},
}};

std::string_view code_of(DType dtype) {
  return std::ranges::find(dtype_codes, dtype, &std::pair<DType, std::string_view>::first)->second;
}

/// A type of number that other programs write.
struct ForeignType {
  std::string_view code;
  std::uint64_t width;
  double (*value)(const std::byte*);  ///< null: left out
};

template <class T>
T bits_at(const std::byte* bytes) {
  T value{};
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

constexpr std::array<ForeignType, 10> foreign_types{{
    {"F64", 8, [](const std::byte* b) { return bits_at<double>(b); }},
    {"F16", 2, [](const std::byte* b) { return static_cast<double>(half_value(bits_at<std::uint16_t>(b))); }},
    {"BF16", 2, [](const std::byte* b) { return static_cast<double>(bfloat16_value(bits_at<std::uint16_t>(b))); }},
    {"I64", 8, nullptr},
    {"U64", 8, nullptr},
    {"U32", 4, nullptr},
    {"I16", 2, nullptr},
    {"U16", 2, nullptr},
    {"I8", 1, nullptr},
    {"BOOL", 1, nullptr},
}};

/// Reads one file; `where` opens every message.
class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, const std::string& where, bool foreign)
      : bytes_(bytes), where_(where), foreign_(foreign) {}

  Safetensors decode() {
    const json header = parse_header();
    Safetensors file;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == metadata_key) {
        read_metadata(value, file.metadata);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    check_layout(entries);
    for (const Entry& entry : entries) {
      if (entry.foreign != nullptr && entry.foreign->value == nullptr) continue;
      Tensor tensor = Tensor::host(entry.shape, entry.dtype);
      if (entry.foreign != nullptr) {
        float* out = tensor.data<float>();
        for (std::uint64_t at = entry.begin; at < entry.end; at += entry.foreign->width) {
          *out++ = static_cast<float>(entry.foreign->value(data_.data() + at));
        }
        file.tensors.emplace(entry.name, std::move(tensor));
        continue;
      }
      if (entry.end > entry.begin) std::memcpy(tensor.raw(), data_.data() + entry.begin, entry.end - entry.begin);
      file.tensors.emplace(entry.name, std::move(tensor));
    }
    return file;
  }

 private:
  struct Entry {
    std::string name;
    Shape shape;
    DType dtype = DType::float32;
    const ForeignType* foreign = nullptr;  ///< becomes float32
    std::uint64_t begin = 0, end = 0;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::checkpoint,
                where_ + ": not a valid safetensors file: " + what + "; use another checkpoint or write it again");
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    fail("tensor '" + name + "': " + what);
  }

  json parse_header() {
    if (bytes_.size() < length_bytes) fail("it has " + std::to_string(bytes_.size()) + " bytes, too few for a header");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), length_bytes);
    if (length > max_header_bytes) {
      fail("its header claims " + std::to_string(length) + " bytes, the limit is " + std::to_string(max_header_bytes));
    }
    if (length > bytes_.size() - length_bytes) {
      fail("its header claims " + std::to_string(length) + " bytes, the file has " +
           std::to_string(bytes_.size() - length_bytes) + " left");
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + length_bytes, length);
    data_ = bytes_.subspan(length_bytes + length);
    if (text.empty() || text.front() != '{') fail("its header does not begin with '{'");

    // Names already seen in each open object.  The nesting of a valid header is known, which bounds the parser.
    std::vector<std::set<std::string>> names;
    const auto check = [&](int depth, json::parse_event_t event, const json& value) {
      if (depth > 3) fail("its header nests too deeply");
      if (event == json::parse_event_t::object_start) names.emplace_back();
      if (event == json::parse_event_t::object_end) names.pop_back();
      if (event == json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second) {
        fail("its header names '" + value.get<std::string>() + "' twice");
      }
      return true;
    };
    try {
      return json::parse(text.begin(), text.end(), check);
    } catch (const json::exception& error) {
      fail("its header is not JSON: " + json_problem(error));
    }
  }

  void read_metadata(const json& value, std::map<std::string, std::string>& metadata) const {
    if (!value.is_object()) fail("its __metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("its __metadata__ '" + key + "' is not a string");
      metadata.emplace(key, text.get<std::string>());
    }
  }

  Entry read_entry(const std::string& name, const json& value) const {
    if (!value.is_object()) fail(name, "is not an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!value.contains(key)) fail(name, std::string("has no ") + key);
    }
    if (value.size() != 3) fail(name, "has a key besides dtype, shape and data_offsets");
    Entry entry;
    entry.name = name;
    const json& dtype = value["dtype"];
    if (!dtype.is_string()) fail(name, "its dtype is not a string");
    const auto code = std::ranges::find(dtype_codes, dtype.get_ref<const std::string&>(),
                                        &std::pair<DType, std::string_view>::second);
    if (code != dtype_codes.end()) {
      entry.dtype = code->first;
    } else {
      const auto other = std::ranges::find(foreign_types, dtype.get_ref<const std::string&>(), &ForeignType::code);
      if (!foreign_ || other == foreign_types.end()) {
        fail(name, "its dtype " + dtype.get<std::string>() + " is none of F32, I32, U8" +
                       (foreign_ ? " or others of this format" : ""));
      }
      entry.foreign = &*other;
    }

    std::uint64_t size = entry.foreign != nullptr ? entry.foreign->width : byte_size(entry.dtype);
    entry.shape = read_shape(name, value["shape"], size);
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      fail(name, "its data_offsets are not two whole numbers");
    }
    entry.begin = offsets[0].get<std::uint64_t>();
    entry.end = offsets[1].get<std::uint64_t>();
    if (entry.begin > entry.end || entry.end > data_.size()) {
      fail(name, "its bytes " + std::to_string(entry.begin) + ".." + std::to_string(entry.end) +
                     " lie outside the data of " + std::to_string(data_.size()) + " bytes");
    }
    if (entry.end - entry.begin != size) {
      fail(name, "shape " + entry.shape.str() + " needs " + std::to_string(size) + " bytes, its offsets hold " +
                     std::to_string(entry.end - entry.begin));
    }
    return entry;
  }

  /// Multiplies `bytes` by the extents.
  Shape read_shape(const std::string& name, const json& value, std::uint64_t& bytes) const {
    if (!value.is_array() || value.size() > Shape::max_rank) {
      fail(name, "its shape is not a list of at most " + std::to_string(Shape::max_rank) + " extents");
    }
    std::vector<std::int64_t> extents;
    std::uint64_t product = bytes;  // zeros left out: Shape multiplies in order and must not overflow before a zero
    for (const json& extent : value) {
      if (!extent.is_number_unsigned()) fail(name, "an extent is not a whole number");
      const auto count = extent.get<std::uint64_t>();
      constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (count > limit / product) fail(name, "its shape overflows");
      product *= std::max<std::uint64_t>(count, 1);
      bytes *= count;
      extents.push_back(static_cast<std::int64_t>(count));
    }
    return Shape(extents);
  }

  void check_layout(std::vector<Entry>& entries) const {
    std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
    std::uint64_t position = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != position) {
        fail(entry.name, "begins at byte " + std::to_string(entry.begin) + ", expected " + std::to_string(position) +
                             (entry.begin < position ? ": tensors overlap" : ": there is a gap"));
      }
      position = entry.end;
    }
    if (position != data_.size()) {
      fail("its tensors end at byte " + std::to_string(position) + " of " + std::to_string(data_.size()) +
           " bytes of data");
    }
  }

  std::span<const std::byte> bytes_;
  std::span<const std::byte> data_;
  const std::string& where_;
  bool foreign_;
};

}  // namespace

std::vector<std::byte> encode_safetensors(const Safetensors& file) {
  // 4-byte elements before bytes keep every tensor aligned for readers that map the file; by name within each.
  std::vector<std::pair<const std::string*, const Tensor*>> order;
  for (const auto& [name, tensor] : file.tensors) {
    require(name != metadata_key, ErrorKind::bug, "encode_safetensors: a tensor is named __metadata__");
    require(tensor.defined() && tensor.device() == Device{}, ErrorKind::bug,
            "encode_safetensors: tensors must lie in host memory");
    order.emplace_back(&name, &tensor);
  }
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const auto& item) { return byte_size(item.second->dtype()); });

  ordered_json header = ordered_json::object();
  if (!file.metadata.empty()) header[metadata_key] = ordered_json(file.metadata);
  std::size_t data_bytes = 0;
  for (const auto& [name, tensor] : order) {
    const std::span<const std::int64_t> extents = tensor->shape().extents();
    ordered_json entry;
    entry["dtype"] = code_of(tensor->dtype());
    entry["shape"] = std::vector<std::int64_t>(extents.begin(), extents.end());
    entry["data_offsets"] = {data_bytes, data_bytes + tensor->bytes()};
    header[*name] = std::move(entry);
    data_bytes += tensor->bytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const ordered_json::exception& error) {
    throw Error(ErrorKind::bug, std::string("encode_safetensors: a name is not UTF-8: ") + error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');

  std::vector<std::byte> bytes(length_bytes + text.size() + data_bytes);
  const auto length = static_cast<std::uint64_t>(text.size());
  std::memcpy(bytes.data(), &length, length_bytes);
  std::memcpy(bytes.data() + length_bytes, text.data(), text.size());
  std::byte* out = bytes.data() + length_bytes + text.size();
  for (const auto& item : order) {
    const Tensor& tensor = *item.second;
    if (tensor.bytes() > 0) std::memcpy(out, tensor.raw(), tensor.bytes());
    out += tensor.bytes();
  }
  return bytes;
}

Safetensors decode_safetensors(std::span<const std::byte> bytes, const std::string& where) {
  return Decoder(bytes, where, false).decode();
}

Safetensors decode_foreign_safetensors(std::span<const std::byte> bytes, const std::string& where) {
  return Decoder(bytes, where, true).decode();
}

}  // namespace scnn
