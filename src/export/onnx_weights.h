#pragma once

#include "export/onnx.h"
#include "export/onnx_graph.h"

namespace scnn::deploy {

/// The weights of a layer as ONNX orders them, [out, in, h, w], `flat`: [out, in * h * w]; adds what gives them as
/// floats to the graph and returns its name.  `report` gets the form they have in the file.
std::string onnx_weights(OnnxGraph& graph, const PackedLayer& layer, const std::string& name, bool flat,
                         const OnnxOptions& options, OnnxWeights& report);

}  // namespace scnn::deploy
