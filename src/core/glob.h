#pragma once

#include <span>
#include <string>
#include <string_view>

namespace scnn {

/// Whether `name` matches `pattern`; '*' stands for any run of characters, '?' for one.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view name);
/// Whether any pattern matches.
[[nodiscard]] bool glob_match(std::span<const std::string> patterns, std::string_view name);

}  // namespace scnn
