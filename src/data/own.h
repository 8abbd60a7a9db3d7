#pragma once

#include <functional>
#include <string>

#include "scnn/data/dataset.h"

/// Data sets of the user's own: train and test set, unsplit and not normalized.
namespace scnn {

/// JPEG and PNG files.  Error(data).
[[nodiscard]] Dataset read_image_folder(const DataOptions& options,
                                        const std::function<void(const std::string&)>& progress);

/// NumPy arrays x_train, y_train, x_test, y_test.  Error(data) with all mistakes of shape, type and value, each naming
/// its array and the remedy.
[[nodiscard]] Dataset read_arrays(const DataOptions& options);

}  // namespace scnn
