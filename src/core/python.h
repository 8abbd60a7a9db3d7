#pragma once

#include <string>

namespace scnn {

/// A Python that can import `modules` ("numpy, onnxruntime"): $SCNN_PYTHON where that is set; else the first of
/// .venv/bin/python in the folders above this program (`tools/setup --with-onnx` makes it), python3 of the PATH, and
/// /usr/bin/python3.  Empty where none can.
[[nodiscard]] std::string python_with(const std::string& modules);

}  // namespace scnn
