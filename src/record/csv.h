#pragma once

#include <string>

namespace scnn {

/// A field of a CSV line (RFC 4180): quoted where it must be.
[[nodiscard]] std::string csv_field(const std::string& text);

}  // namespace scnn
