#include "data/image/cache.h"
#include "data/own.h"

namespace scnn {
namespace {

Tensor labels_of(const std::vector<ImageFile>& files) {
  Tensor labels = Tensor::host(Shape{static_cast<std::int64_t>(files.size())}, DType::int32);
  for (std::size_t i = 0; i < files.size(); ++i) labels.data<std::int32_t>()[i] = files[i].label;
  return labels;
}

}  // namespace

Dataset read_image_folder(const DataOptions& options, const std::function<void(const std::string&)>& progress) {
  const ImageFolder folder = list_image_folder(options);
  std::string warning;
  const FolderPixels pixels = folder_pixels(folder, options.image_folder, progress, warning);
  Dataset set;
  set.name = std::filesystem::weakly_canonical(folder.root).filename().string();
  set.channels = options.image_folder.channels;
  set.h = options.image_folder.h;
  set.w = options.image_folder.w;
  set.classes = static_cast<std::int64_t>(folder.classes.size());
  set.class_names = folder.classes;
  set.train = {pixels.train, labels_of(folder.train)};
  set.test = {pixels.test, labels_of(folder.test)};
  set.warnings = folder.warnings;
  if (!warning.empty()) set.warnings.push_back(warning);
  return set;
}

}  // namespace scnn
