#include "scnn/data/options.h"

#include "scnn/data/batches.h"

namespace scnn {

void check(const DataOptions& data, Conflicts& conflicts) {
  if (const std::string problem = augment_problem(data.augment); !problem.empty()) {
    conflicts.add("data.augment", problem);
  }
  if (data.mean.size() != data.std.size()) {
    conflicts.add("data.normalize.std",
                  std::to_string(data.mean.size()) + " means but " + std::to_string(data.std.size()) + " stds",
                  "one of each for each channel");
  }
  const std::int64_t channels = data.image_folder.channels;
  if (data.type == "image_folder" && channels != 1 && channels != 3) {
    conflicts.add("data.channels", "'channels' is " + std::to_string(channels),
                  "of images 1, grey, or 3, red, green and blue");
  }
  if ((data.type == "image_folder" || data.type == "arrays") && data.root == "auto") {
    conflicts.add("data.root", "'root' is auto", "that is for published sets: name the folder of your own");
  }
}

}  // namespace scnn
