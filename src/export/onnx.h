#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scnn/packed/packed.h"

namespace scnn {

/// How integers stand in an ONNX file.
enum class OnnxStyle {
  standard,  ///< DequantizeLinear of int8, with opset 21 of int4 where a layer's integers fit
  qonnx      ///< Quant of qonnx.custom_op.general, one for each layer and width in bits
};

struct OnnxOptions {
  int opset = 13;  ///< 13 or 21
  OnnxStyle style = OnnxStyle::standard;
};

/// What became of the weights of one layer.
struct OnnxWeights {
  std::string layer;
  std::string form;    ///< "float", "int4", "int8" or "quant"
  bool given = false;  ///< float although the layer has integers: they take more bits than the style holds
};

struct OnnxFile {
  std::vector<std::byte> bytes;
  std::vector<OnnxWeights> weights;  ///< of each layer that has some, in order
};

/// The model as an ONNX file, the same bytes for the same model.  Input "image" [N, C, H, W], float32, pixels of 0 to
/// 255, which the graph normalizes; output "logits" [N, classes]; activations are float32.  `metadata_props` tells the
/// input's range and normalization and the class names.  Error(usage) for another opset and past ONNX's 2 GiB;
/// Error(checkpoint) where the model's parts do not fit each other.
[[nodiscard]] OnnxFile encode_onnx(const PackedModel& model, const OnnxOptions& options);

}  // namespace scnn
