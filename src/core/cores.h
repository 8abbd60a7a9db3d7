#pragma once

#include <string>

namespace scnn {

/// CPU cores that this process may use, at least 1.
[[nodiscard]] int usable_cores();

/// The processor's name as Linux gives it; "unknown processor" where it gives none.
[[nodiscard]] std::string processor_name();

}  // namespace scnn
