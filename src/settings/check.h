#pragma once

#include <functional>

#include "scnn/data/dataset.h"
#include "scnn/nn/graph.h"
#include "scnn/settings/experiment.h"

namespace scnn {

/// What needs neither the data's files nor training: shapes, the data set's images and classes, patterns of layers and
/// parameters.  Error(experiment) with all mistakes and their lines.
void check_experiment(const Experiment& experiment);
/// Does `work`; settings that it finds wrong are thrown as Error(experiment) with their lines.
void with_locations(const Experiment& experiment, const std::function<void()>& work);

/// SettingsError where the network's input or its number of logits is not the data's.
void check_fits(const Graph& graph, const Dataset& data);

}  // namespace scnn
