#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "scnn/packed/packed.h"

namespace scnn {

/// One network as C99 for microcontrollers: constant arrays, activations in one static array, no malloc, nothing of
/// this project.  Logits are the packed file's but for the order of sums.
struct CSource {
  std::string name;                     ///< what every identifier and file begins with, made of the model's name
  std::string header, source, example;  ///< <name>.h, <name>.c, main.c
  std::size_t constant_bytes = 0;       ///< weights, scales, biases and tables
  std::size_t static_bytes = 0;         ///< activations and one row of weights
};
[[nodiscard]] CSource c_source(const PackedModel& model);
/// Writes the three files into `folder`, which is made.  Error(run_folder) naming the path and the system's reason.
void write_c_source(const CSource& source, const std::filesystem::path& folder);

/// Logits of images [n, h, w, c], normalized, by the source compiled with the C compiler $CC, cc, gcc or clang
/// (-std=c99 -Wall -Wextra -Werror) in a temporary folder.  Empty where there is no compiler.  Error(check) with the
/// compiler's words where it refuses the source.
[[nodiscard]] std::optional<std::vector<float>> compiled_logits(const CSource& source, std::span<const float> images,
                                                                std::size_t n, std::size_t classes);

}  // namespace scnn
