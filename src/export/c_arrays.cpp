#include "export/c_arrays.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "scnn/core/error.h"

namespace scnn::deploy {
namespace {

std::string array_of(const std::string& type, const std::string& declarator, const std::vector<std::string>& values) {
  std::string text = "static const " + type + " " + declarator + " = {";
  std::size_t column = 120;
  for (const std::string& value : values) {
    if (column + value.size() + 2 > 118) {
      text += "\n    ";
      column = 4;
    }
    text += value + ", ";
    column += value.size() + 2;
  }
  if (values.empty()) text += "0";
  return text + "\n};\n\n";
}

/// The shortest decimal that reads back to the same float.
std::string literal(double wide) {
  const auto value = static_cast<float>(wide);
  if (!std::isfinite(value)) {
    throw Error(ErrorKind::training,
                "a weight, scale or bias of the network is not a finite number, so it has no C source");
  }
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.9g", static_cast<double>(value));
  std::string written = text.data();
  if (written.find_first_of(".e") == std::string::npos) written += ".0";
  return written + "F";
}

/// -2147483648 is no literal of an int.
std::string literal(std::int64_t value) {
  return value == std::numeric_limits<std::int32_t>::min() ? "-2147483647 - 1" : std::to_string(value);
}

template <class T>
std::vector<std::string> literals(const std::vector<T>& values) {
  std::vector<std::string> texts;
  for (const T value : values) texts.push_back(literal(value));
  return texts;
}

/// 1, 2 or 4: of the narrowest signed integer that holds both.
std::size_t bytes_for(std::int64_t low, std::int64_t high) {
  return low >= -128 && high <= 127 ? 1 : low >= -32'768 && high <= 32'767 ? 2 : 4;
}

}  // namespace

void CArrays::use(int form) {
  last_form_ = form;
  forms_.at(static_cast<std::size_t>(form)) = true;
}

std::string CArrays::floats(const std::string& name, const std::vector<double>& values) {
  bytes_ += 4 * values.size();
  return array_of("float", name + "[]", literals(values));
}

std::string CArrays::float_weights(const std::string& name, const std::vector<double>& values) {
  use(4);
  return floats(name, values);
}

std::string CArrays::whole(const char* type, std::size_t size, const std::string& name,
                           const std::vector<std::int64_t>& values) {
  bytes_ += size * values.size();
  return array_of(type, name + "[]", literals(values));
}

std::string CArrays::pairs(const std::string& name, const std::vector<std::int64_t>& values) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    texts.push_back(
        std::string("{").append(literal(values[i])).append(", ").append(literal(values[i + 1])).append("}"));
  }
  bytes_ += 2 * values.size();
  return array_of("uint16_t", name + "[][2]", texts);
}

std::string CArrays::integers(const std::string& name, const std::string& ranges,
                              const std::vector<std::vector<std::int64_t>>& rows) {
  std::int64_t low = 0, high = 0;
  std::size_t size = 0, bits = 0, minimum_bytes = minimum_bytes_;
  std::vector<std::string> range_texts;
  std::vector<std::pair<std::int64_t, int>> channels;  // minimum, width
  for (const auto& row : rows) {
    const auto [least, most] =
        row.empty() ? std::pair<std::int64_t, std::int64_t>{0, 0}
                    : std::pair<std::int64_t, std::int64_t>{std::ranges::min(row), std::ranges::max(row)};
    const int width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(most - least)));
    low = std::min(low, least), high = std::max(high, most);
    size += row.size(), bits += row.size() * static_cast<std::size_t>(width);
    minimum_bytes = std::max(minimum_bytes, bytes_for(least, least));
    channels.emplace_back(least, width);
    range_texts.push_back(
        std::string("{").append(std::to_string(width)).append(", ").append(literal(least)).append("}"));
  }
  const std::size_t bytes = bytes_for(low, high);
  if ((bits + 7) / 8 + rows.size() * 2 * minimum_bytes >= size * bytes) {
    std::vector<std::int64_t> values;
    for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
    use(bytes == 1 ? 1 : bytes == 2 ? 2 : 3);
    return whole(bytes == 1 ? "int8_t" : bytes == 2 ? "int16_t" : "int32_t", bytes, name, values);
  }
  use(0);
  minimum_bytes_ = minimum_bytes;
  ranges_ += rows.size();
  std::vector<std::int64_t> packed((bits + 7) / 8);
  std::size_t bit = 0;
  for (std::size_t o = 0; o < rows.size(); ++o) {
    for (const std::int64_t value : rows[o]) {
      const auto distance = static_cast<std::uint64_t>(value - channels[o].first);
      for (int i = 0; i < channels[o].second; ++i, ++bit) {
        packed[bit / 8] |= static_cast<std::int64_t>(distance >> static_cast<unsigned>(i) & 1U) << (bit % 8);
      }
    }
  }
  return array_of("range", ranges + "[]", range_texts) + whole("uint8_t", 1, name, packed);
}

std::string CArrays::cases() const {
  constexpr std::array<const char*, 5> code = {
      "row[i] = next_integer((const uint8_t *)l->weights, at, ((const range *)l->ranges)[channel]);",
      "row[i] = (float)((const int8_t *)l->weights)[(*at)++];",
      "row[i] = (float)((const int16_t *)l->weights)[(*at)++];",
      "row[i] = (float)((const int32_t *)l->weights)[(*at)++];", "row[i] = ((const float *)l->weights)[(*at)++];"};
  std::string text;
  for (std::size_t form = 0; form < code.size(); ++form) {
    if (forms_[form])
      text.append("      case ")
          .append(std::to_string(form))
          .append(":\n        ")
          .append(code[form])
          .append("\n        break;\n");
  }
  return text;
}

std::string CArrays::comment(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c >= ' ' && c < 127 && c != '*' && c != '\\' && c != '?' ? c : '_';
  return safe;
}

std::string CArrays::quoted(const std::string& text) {
  std::string made = "\"";
  for (const char c : text) {
    const bool plain = c >= ' ' && c < 127 && c != '"' && c != '\\' && c != '?';
    std::array<char, 8> octal{};
    (void)std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    made += plain ? std::string(1, c) : std::string(octal.data());
  }
  return made + "\"";
}

}  // namespace scnn::deploy
