#pragma once

#include <string_view>

namespace scnn {

// Files built into the program, so that an installed one needs none of them.

/// Chart.js with its licence comment; empty where the build found none.
[[nodiscard]] std::string_view chart_js();
[[nodiscard]] std::string_view report_js();
[[nodiscard]] std::string_view report_css();
/// tools/bench/onnx_deploy.py
[[nodiscard]] std::string_view onnx_deploy_py();

}  // namespace scnn
