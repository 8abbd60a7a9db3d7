#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scnn/data/dataset.h"

namespace scnn {

/// A Python with ONNX Runtime, as core/python.h finds it.  Error(device) telling what is needed where there is none.
[[nodiscard]] std::string onnx_python();

/// Logits [n * classes] that ONNX Runtime computes with an exported ONNX file of normalized images [n, h, w, c], which
/// are turned into pixels first.  Error(device) where `python` cannot do it, with its last words.
[[nodiscard]] std::vector<float> onnx_runtime_logits(const std::string& python, const std::filesystem::path& file,
                                                     const Tensor& images, const Normalization& normalization);
/// The same of pixels 0 to 255, uint8 [n, h, w, c].
[[nodiscard]] std::vector<float> onnx_runtime_logits(const std::string& python, const std::filesystem::path& file,
                                                     const Tensor& pixels);

}  // namespace scnn
