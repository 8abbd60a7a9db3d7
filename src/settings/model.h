#pragma once

#include "config/reference.h"
#include "config/source_locations.h"
#include "config/yaml.h"
#include "scnn/nn/spec.h"

namespace scnn::config {

/// The network of a `model` map {parameters, input, blocks, layers}: blocks and residuals expanded, every node named,
/// inputs as indices; notes where each node stands.  Shapes are not checked here.
[[nodiscard]] NetworkSpec read_model(const Node& model, Resolver& resolver, SourceLocations& locations,
                                     Diagnostics& diagnostics);
/// The same network as a flat `model` map with every key written out.
[[nodiscard]] Node write_model(const NetworkSpec& network);

}  // namespace scnn::config
