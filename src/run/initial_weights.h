#pragma once

#include "scnn/settings/initial_weights.h"

namespace scnn {

class Graph;
struct Experiment;

/// Reads the file into the parameters of `graph`, before quantizers are attached: they fit what they find.
/// SettingsError of `model.init` with everything that is missing, left over, misshaped or not a finite number; of
/// `model.init.from` where there is no file; Error(checkpoint) where it is damaged.
void load_initial_weights(const InitialWeights& init, Graph& graph);

/// Whether the file of `model.init` fits the network, with the lines of what does not; nothing where there is none.
void check_initial_weights(const Experiment& experiment);

}  // namespace scnn
