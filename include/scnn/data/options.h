#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "scnn/core/conflicts.h"

namespace scnn {

struct PadCrop {
  std::int64_t pad = 4;  ///< zeros on every side, then a random crop of the original size
};
struct HorizontalFlip {
  double probability = 0.5;
};
struct Cutout {
  std::int64_t size = 8;  ///< side of the square that becomes the mean colour, clipped at the border
};
struct Pad {
  std::int64_t pad = 4;  ///< zeros on every side; the image is larger until a Crop
};
struct Crop {};  ///< to the size before all padding, at a random place
/// AutoAugment with the policy found on CIFAR-10 (Cubuk et al., arXiv 1805.09501), on the host.
struct AutoAugment {};
/// A rectangle becomes black (Zhong et al., arXiv 1708.04896; torchvision's defaults).
struct RandomErasing {
  double probability = 0.5;
  double min_area = 0.02, max_area = 0.33;  ///< share of the image
  double min_ratio = 0.3, max_ratio = 3.3;  ///< height over width
};
using Augmentation = std::variant<PadCrop, HorizontalFlip, Cutout, Pad, Crop, AutoAugment, RandomErasing>;

/// A made-up data set of coloured shapes and noise, seeded, no files.
struct SyntheticOptions {
  std::int64_t train = 2048, test = 512;
  std::int64_t channels = 1, h = 16, w = 16;
  std::int64_t classes = 4;
};

/// How an image comes to the size that the network takes.
enum class ImageFit {
  crop,     ///< the largest centred part of the wanted proportions, resized
  stretch,  ///< all of it, resized
};

/// Your own JPEG and PNG files, a folder for each class.
struct ImageFolderOptions {
  std::int64_t channels = 3, h = 0, w = 0;  ///< what every image becomes
  ImageFit fit = ImageFit::crop;
  double test_fraction = 0.2;  ///< share of each class that is held out as test split where there is no folder `test`
};

struct DataOptions {
  /// fashion_mnist | mnist | cifar10 | cifar100 | synthetic | image_folder | arrays
  std::string type = "fashion_mnist";
  /// A folder; auto: $SCNN_DATA, ./data, /usr/share/datasets, /usr/share.  Of arrays a folder or an NPZ file.
  std::string root = "auto";
  std::int64_t train_limit = 0;       ///< 0: all; else the first N training images after the seeded shuffle
  double validation_fraction = 0;     ///< share of the training images held out
  std::vector<Augmentation> augment;  ///< applied to training images in this order
  std::vector<double> mean, std;      ///< of [0, 1] pixels per channel; empty: measured on the training images
  SyntheticOptions synthetic;
  ImageFolderOptions image_folder;
  std::vector<std::string> class_names;  ///< of arrays: names of the labels 0, 1, ...; empty: as y_train says
};

/// Reports settings of the data that do not go together.
void check(const DataOptions& data, Conflicts& conflicts);

}  // namespace scnn
