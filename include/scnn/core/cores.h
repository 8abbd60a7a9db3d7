#pragma once

namespace scnn {

/// CPU cores that this process may use, at least 1.
[[nodiscard]] int usable_cores();

}  // namespace scnn
