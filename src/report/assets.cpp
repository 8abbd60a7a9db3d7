#include "report/assets.h"

// The assembler copies the files into read-only data; the build passes their paths (src/CMakeLists.txt).
#define SCNN_EMBED(name, path)                   \
  __asm__(                                       \
      ".pushsection .rodata\n"                   \
      ".balign 16\n"                             \
      "scnn_asset_" #name                        \
      "_begin:\n"                                \
      ".incbin \"" path                          \
      "\"\n"                                     \
      "scnn_asset_" #name                        \
      "_end:\n"                                  \
      ".byte 0\n"                                \
      ".popsection\n");                          \
  extern "C" {                                   \
  extern const char scnn_asset_##name##_begin[]; \
  extern const char scnn_asset_##name##_end[];   \
  }

SCNN_EMBED(chart_js, SCNN_CHART_JS)
SCNN_EMBED(report_js, SCNN_REPORT_JS)
SCNN_EMBED(report_css, SCNN_REPORT_CSS)
SCNN_EMBED(onnx_deploy, SCNN_ONNX_DEPLOY)

namespace scnn {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::string_view chart_js() { return between(scnn_asset_chart_js_begin, scnn_asset_chart_js_end); }
std::string_view report_js() { return between(scnn_asset_report_js_begin, scnn_asset_report_js_end); }
std::string_view report_css() { return between(scnn_asset_report_css_begin, scnn_asset_report_css_end); }
std::string_view onnx_deploy_py() { return between(scnn_asset_onnx_deploy_begin, scnn_asset_onnx_deploy_end); }

}  // namespace scnn
