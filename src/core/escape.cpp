#include "core/escape.h"

namespace scnn {

std::string escape_control_characters(std::string_view text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto code = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (code == 0xC2U && next >= 0x80U && next < 0xA0U) {
      code = static_cast<unsigned char>(next);
      ++i;
    } else if ((code >= 0x20 && code != 0x7F) || code == '\n') {
      out += text[i];
      continue;
    }
    out.append("\\x").append(1, digits[code >> 4U]).append(1, digits[code & 15U]);
  }
  return out;
}

}  // namespace scnn
