#include <algorithm>
#include <array>

#include "compress/methods/methods.h"
#include "core/settings_error.h"

namespace scnn {

std::span<const MethodInfo> compression_methods() {
  static const std::array methods = {none_method(),  fixed_bits_method(), self_compress_method(),
                                     diffq_method(), lsq_method(),        magnitude_prune_method()};
  return methods;
}

std::unique_ptr<CompressionMethod> make_method(const CompressionOptions& options) {
  std::string known;
  for (const MethodInfo& method : compression_methods()) {
    if (method.name == options.type) return method.make(options);
    known.append(known.empty() ? "" : ", ").append(method.name);
  }
  throw SettingsError("compression.type", "there is no method '" + options.type + "'; methods: " + known);
}

void check_freeze(const CompressionOptions& options, Conflicts& conflicts) {
  const double begins = 1 - options.freeze_fraction;
  if (begins >= 1 || options.integer_exponents_from >= 1 || options.integer_exponents_from <= begins + 1e-9) return;
  conflicts.add("compression.integer_exponents_from",
                "exponents would become integers at " + number_text(options.integer_exponents_from) +
                    " of training, and formats freeze at " + number_text(begins),
                "set at most " + number_text(begins));
}

}  // namespace scnn
