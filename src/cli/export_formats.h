#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "export/onnx.h"
#include "scnn/backend/backend.h"

namespace scnn::cli {

/// What exported files are compared on: [n, h, w, c], normalized, and where they are images of a data set their pixels.
struct VerifyImages {
  Tensor normalized, pixels;
};

/// What was written: JSON's members, a line for people behind the file's name, remarks of a line each, and the logits
/// that it computes of the images, where --verify asks for them; `unverified` says why there are none.
struct Exported {
  nlohmann::ordered_json json;
  std::string line, remarks, unverified;
  std::vector<float> logits;
};

/// A format of `scnn export --format`.
struct ExportFormat {
  const char* name;
  const char* doc;
  const char* out;  ///< the default file or folder
  /// `verify` is null where nothing is to be computed.
  Exported (*write)(const PackedModel& model, const std::string& out, const OnnxOptions& onnx,
                    const VerifyImages* verify, Backend& backend);
};
[[nodiscard]] const std::vector<ExportFormat>& export_formats();

}  // namespace scnn::cli
