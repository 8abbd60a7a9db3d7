#pragma once

#include "scnn/compress/method.h"

/// The rows of the table of methods, each made beside its class.
namespace scnn {

[[nodiscard]] MethodInfo none_method();
[[nodiscard]] MethodInfo fixed_bits_method();
[[nodiscard]] MethodInfo self_compress_method();
[[nodiscard]] MethodInfo diffq_method();
[[nodiscard]] MethodInfo lsq_method();
[[nodiscard]] MethodInfo magnitude_prune_method();

template <class Method>
[[nodiscard]] std::unique_ptr<CompressionMethod> make_as(const CompressionOptions& options) {
  return std::make_unique<Method>(options);
}

/// What methods of learned exponents check: integer exponents may not come behind the freeze.
void check_freeze(const CompressionOptions& options, Conflicts& conflicts);

}  // namespace scnn
