#pragma once

#include <functional>

#include "scnn/data/dataset.h"
#include "scnn/experiment/experiment.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// What needs neither the data's files nor training: shapes, the data set's images and classes, patterns of layers and
/// parameters.  Error(experiment) with all mistakes and their lines.
void check_experiment(const Experiment& experiment);
/// Whether the file of `model.init` fits the network, with the lines of what does not; nothing where there is none.
void check_initial_weights(const Experiment& experiment);

/// Does `work`; settings that it finds wrong are thrown as Error(experiment) with their lines.
void with_places(const Experiment& experiment, const std::function<void()>& work);

/// SettingsError where the network's input or its number of logits is not the data's.
void check_fits(const Graph& graph, const Dataset& data);

}  // namespace scnn
