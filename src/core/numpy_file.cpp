#include "core/numpy_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <span>

#include "core/half.h"
#include "core/zip.h"

namespace scnn {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they lie: little-endian only");

constexpr std::size_t most_header_bytes = 65536;
constexpr std::uint64_t most_elements = std::uint64_t{1} << 48U;

/// Bytes from front to back, of which there are `size`.
struct Source {
  std::string where;
  ErrorKind kind;
  std::uint64_t size;
  std::function<void(std::span<std::byte>)> read;

  [[noreturn]] void fail(const std::string& what) const { throw Error(kind, where + ": " + what); }
};

/// What follows `'key':` in a header, blanks left out; empty where the key is not there.
std::string_view value_of(std::string_view header, const std::string& key) {
  const std::size_t at = header.find("'" + key + "':");
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

std::optional<std::vector<std::int64_t>> parse_shape(std::string_view text) {
  if (text.empty() || text.front() != '(') return std::nullopt;
  text = text.substr(1, text.find(')') - 1);
  std::vector<std::int64_t> shape;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" ,"), text.size()));
    if (text.empty()) return shape;
    std::int64_t extent = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (bad != std::errc() || extent < 0) return std::nullopt;
    shape.push_back(extent);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (shape.size() > 32 || (!text.empty() && text.front() != ',' && text.front() != ' ')) return std::nullopt;
  }
}

void parse_type(const Source& source, std::string_view text, NumpyArray& array) {
  if (text.empty() || text.front() != '\'') source.fail("its elements are records, expected numbers");
  const std::string type(text.substr(1, text.find('\'', 1) - 1));
  const char kind = type.size() < 3 ? '?' : type[1];
  if (kind == 'O')
    source.fail("it holds Python objects (dtype object), expected numbers: save it with a dtype of numbers");
  const std::size_t width =
      type.size() == 3 && type[2] >= '0' && type[2] <= '9' ? static_cast<std::size_t>(type[2] - '0') : 0;
  const bool known = (kind == 'b' && width == 1) || (kind == 'f' && (width == 2 || width == 4 || width == 8)) ||
                     ((kind == 'u' || kind == 'i') && (width == 1 || width == 2 || width == 4 || width == 8));
  if (!known) source.fail("its dtype '" + type + "' is none of bool, int, uint and float");
  if (type[0] == '>')
    source.fail("its numbers are big-endian ('" + type + "'): save x.astype(x.dtype.newbyteorder('<'))");
  array.kind = kind;
  array.width = width;
}

/// From Fortran's order, first index fastest, to C's.
void to_c_order(NumpyArray& array) {
  const std::size_t rank = array.shape.size();
  if (rank < 2 || array.size() == 0) return;
  std::vector<std::byte> out(array.data.size());
  std::vector<std::int64_t> index(rank, 0);
  for (std::size_t i = 0; i < array.size(); ++i) {
    std::size_t from = 0;
    for (std::size_t axis = rank; axis-- > 0;) {
      from = from * static_cast<std::size_t>(array.shape[axis]) + static_cast<std::size_t>(index[axis]);
    }
    std::memcpy(out.data() + i * array.width, array.data.data() + from * array.width, array.width);
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < array.shape[axis]) break;
      index[axis] = 0;
    }
  }
  array.data = std::move(out);
}

NumpyArray parse(const Source& source) {
  std::array<std::byte, 12> start{};
  if (source.size < 10) source.fail("it is too short for an .npy file");
  source.read(std::span(start).first(8));
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0) source.fail("it is no .npy file");
  const auto version = std::to_integer<unsigned>(start[6]);
  if (version < 1 || version > 3) source.fail("its format version is " + std::to_string(version) + ", expected 1 to 3");
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  source.read(std::span(start).subspan(8, length_bytes));
  std::memcpy(&length, start.data() + 8, length_bytes);
  const std::uint64_t header_end = 8 + length_bytes + length;
  if (length > most_header_bytes || header_end > source.size)
    source.fail("its header claims " + std::to_string(length) + " bytes");
  std::string header(length, ' ');
  source.read(std::as_writable_bytes(std::span(header)));

  NumpyArray array;
  array.where = source.where;
  parse_type(source, value_of(header, "descr"), array);
  const auto shape = parse_shape(value_of(header, "shape"));
  const std::string_view order = value_of(header, "fortran_order");
  if (!shape || !(order.starts_with("True") || order.starts_with("False"))) source.fail("its header cannot be read");
  array.shape = *shape;
  std::uint64_t count = 1;
  for (const std::int64_t extent : array.shape) {
    if (extent != 0 && count > most_elements / static_cast<std::uint64_t>(extent))
      source.fail("its shape is too large");
    count *= static_cast<std::uint64_t>(extent);
  }
  if (count * array.width != source.size - header_end) {
    source.fail("shape " + array.shape_text() + " of " + array.type() + " needs " +
                std::to_string(count * array.width) + " bytes, it holds " + std::to_string(source.size - header_end) +
                ": the file is damaged or cut off");
  }
  array.data.resize(static_cast<std::size_t>(count) * array.width);
  source.read(array.data);
  if (order.starts_with("True")) to_c_order(array);
  return array;
}

template <class T>
T element(const NumpyArray& array, std::size_t i) {
  T value{};
  std::memcpy(&value, array.data.data() + i * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

std::string NumpyArray::type() const {
  if (kind == 'b') return "bool";
  return (kind == 'u' ? "uint" : kind == 'i' ? "int" : "float") + std::to_string(8 * width);
}

std::string NumpyArray::shape_text() const {
  std::string text = "(";
  for (const std::int64_t extent : shape) text.append(text.size() > 1 ? ", " : "").append(std::to_string(extent));
  return text + (shape.size() == 1 ? ",)" : ")");
}

double NumpyArray::number(std::size_t i) const {
  const auto as_double = [](auto value) { return static_cast<double>(value); };
  const bool sign = kind == 'i';
  switch (width) {
    case 1:
      return sign ? as_double(element<std::int8_t>(*this, i)) : as_double(element<std::uint8_t>(*this, i));
    case 2:
      if (kind == 'f') return as_double(half_value(element<std::uint16_t>(*this, i)));
      return sign ? as_double(element<std::int16_t>(*this, i)) : as_double(element<std::uint16_t>(*this, i));
    case 4:
      if (kind == 'f') return as_double(element<float>(*this, i));
      return sign ? as_double(element<std::int32_t>(*this, i)) : as_double(element<std::uint32_t>(*this, i));
    default:
      if (kind == 'f') return element<double>(*this, i);
      return sign ? as_double(element<std::int64_t>(*this, i)) : as_double(element<std::uint64_t>(*this, i));
  }
}

NumpyArray read_npy(const std::filesystem::path& path, ErrorKind kind) {
  std::error_code code;
  Source source{path.string(), kind, 0, {}};
  if (!std::filesystem::is_regular_file(path, code)) source.fail("there is no such file");
  source.size = std::filesystem::file_size(path, code);
  std::ifstream in(path, std::ios::binary);
  source.read = [&](std::span<std::byte> out) {
    in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    if (static_cast<std::size_t>(in.gcount()) != out.size()) source.fail("it cannot be read to its end");
  };
  return parse(source);
}

struct NpzFile::State {
  State(const std::filesystem::path& path, ErrorKind kind_of_errors)
      : zip(path, kind_of_errors), kind(kind_of_errors) {}
  ZipFile zip;
  ErrorKind kind;
  std::vector<std::string> names;
  std::map<std::string, const ZipMember*> members;
};

NpzFile::NpzFile(const std::filesystem::path& path, ErrorKind kind) : state_(std::make_unique<State>(path, kind)) {
  for (const ZipMember& member : state_->zip.members()) {
    if (!member.name.ends_with(".npy")) continue;
    std::string name = member.name.substr(0, member.name.size() - 4);
    if (!state_->members.emplace(name, &member).second) state_->zip.fail("it holds " + name + " twice");
    state_->names.push_back(std::move(name));
  }
}

NpzFile::~NpzFile() = default;

const std::vector<std::string>& NpzFile::names() const { return state_->names; }
bool NpzFile::contains(const std::string& name) const { return state_->members.contains(name); }

NumpyArray NpzFile::read(const std::string& name) const {
  const auto found = state_->members.find(name);
  if (found == state_->members.end()) state_->zip.fail("it holds no array " + name);
  ZipFile::Stream stream(state_->zip, *found->second);
  Source source{state_->zip.path().string() + ": " + name, state_->kind, found->second->size,
                [&](std::span<std::byte> out) { stream.read(out); }};
  NumpyArray array = parse(source);
  stream.finish();
  return array;
}

}  // namespace scnn
