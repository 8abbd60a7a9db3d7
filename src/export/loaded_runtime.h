#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scnn/runtime/scnn_runtime.h"

namespace scnn {

/// A packed file in the C runtime.
class LoadedRuntime {
 public:
  /// Error(checkpoint) naming `where` where the runtime refuses the file, Error(memory) where it finds no room,
  /// Error(usage) where the file, or this processor, lacks what `options` ask for.
  LoadedRuntime(std::span<const std::byte> file, const std::string& where, const scnn_rt_options& options);
  LoadedRuntime(const LoadedRuntime&) = delete;
  LoadedRuntime& operator=(const LoadedRuntime&) = delete;
  ~LoadedRuntime() { scnn_rt_free(runtime_); }

  [[nodiscard]] scnn_rt_info info() const { return scnn_rt_describe(runtime_); }
  /// Numbers of an image.
  [[nodiscard]] std::size_t image_size() const;
  /// The name of a class, or its number.
  [[nodiscard]] std::string label(int index) const;
  /// Logits [n, classes] of pixels [n, height, width, channels].
  [[nodiscard]] std::vector<float> logits(std::span<const std::uint8_t> pixels) const;
  /// The same of images that are already normalized.
  [[nodiscard]] std::vector<float> logits(std::span<const float> images) const;

 private:
  scnn_runtime* runtime_ = nullptr;
};

}  // namespace scnn
