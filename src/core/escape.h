#pragma once

#include <string>
#include <string_view>

namespace scnn {

/// Text for a terminal: control characters of ASCII, and U+0080 to U+009F, written out as "\x1b"; only line ends stay.
/// Names in files may hold anything.
[[nodiscard]] std::string escape_control_characters(std::string_view text);

}  // namespace scnn
