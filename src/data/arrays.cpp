#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/numpy_file.h"
#include "data/own.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr const char* how_to_save =
    "save with np.savez(\"set.npz\", x_train=..., y_train=..., x_test=..., y_test=...), or each as a .npy of one "
    "folder";

/// The arrays by name, from an archive or a folder.
class Arrays {
 public:
  explicit Arrays(const fs::path& root) : root_(root) {
    std::error_code code;
    if (fs::is_directory(root, code)) return;
    if (!fs::is_regular_file(root, code)) {
      throw Error(ErrorKind::data, root.string() + ": there is no such file or folder; " + how_to_save);
    }
    archive_ = std::make_unique<NpzFile>(root, ErrorKind::data);
  }
  [[nodiscard]] bool contains(const std::string& name) const {
    std::error_code code;
    return archive_ ? archive_->contains(name) : fs::is_regular_file(file(name), code);
  }
  [[nodiscard]] NumpyArray read(const std::string& name) const {
    return archive_ ? archive_->read(name) : read_npy(file(name), ErrorKind::data);
  }

 private:
  [[nodiscard]] fs::path file(const std::string& name) const { return root_ / (name + ".npy"); }
  fs::path root_;
  std::unique_ptr<NpzFile> archive_;
};

/// Gathers mistakes, each with its array's place.
class Mistakes {
 public:
  void add(const std::string& where, const std::string& what) {
    text_ += (text_.empty() ? "" : "\n") + where + ": " + what;
  }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  void raise() const {
    if (!text_.empty()) throw Error(ErrorKind::data, text_);
  }

 private:
  std::string text_;
};

/// "[3, 0, 1]" of element `i`.
std::string place_of(const NumpyArray& array, std::size_t i) {
  std::string text;
  for (std::size_t axis = array.shape.size(); axis-- > 0;) {
    const auto extent = static_cast<std::size_t>(array.shape[axis]);
    text = std::to_string(i % extent) + (text.empty() ? "" : ", ") + text;
    i /= extent;
  }
  return "[" + text + "]";
}

std::string wrong_image_type(const NumpyArray& array) {
  const std::string found = "its dtype is " + array.type() + ", expected uint8";
  double low = INFINITY, high = -INFINITY;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const double v = array.number(i);
    if (!std::isfinite(v)) return found + ", and " + place_of(array, i) + " is no finite number: mend the values first";
    low = std::min(low, v), high = std::max(high, v);
  }
  if (low >= 0 && high <= 1 && array.kind == 'f') {
    return found + ": it holds 0 to 1, save (x * 255).round().astype(np.uint8)";
  }
  if (low >= 0 && high <= 255) return found + ": save x.round().astype(np.uint8)";
  return found + " from 0, black, to 255: bring its values into that range and save them as np.uint8";
}

std::optional<Tensor> images_of(NumpyArray array, Mistakes& mistakes) {
  const std::size_t before = mistakes.size();
  const std::vector<std::int64_t> shape = array.shape;
  const bool grey = shape.size() == 3;
  if (array.kind != 'u' || array.width != 1) mistakes.add(array.where, wrong_image_type(array));
  if (!grey && shape.size() != 4) {
    mistakes.add(array.where, "its shape is " + array.shape_text() +
                                  ", expected (n, rows, columns, channels) or (n, rows, columns): reshape it");
  } else if (std::ranges::any_of(shape, [](std::int64_t extent) { return extent == 0; })) {
    mistakes.add(array.where, "it is empty: its shape is " + array.shape_text());
  } else if (!grey && shape[3] > 16) {
    const bool first = shape[1] <= 16;
    mistakes.add(array.where, "its shape is " + array.shape_text() + ", at most 16 channels, in the last axis" +
                                  (first ? ": save x.transpose(0, 2, 3, 1)" : ", are possible"));
  } else if (shape[1] > 4096 || shape[2] > 4096) {
    mistakes.add(array.where, "its images are " + std::to_string(shape[1]) + " x " + std::to_string(shape[2]) +
                                  " pixels, the limit is 4096 a side: make them smaller");
  }
  if (mistakes.size() != before) return std::nullopt;
  Tensor images = Tensor::host(Shape{shape[0], shape[1], shape[2], grey ? 1 : shape[3]}, DType::uint8);
  std::memcpy(images.raw(), array.data.data(), array.data.size());
  return images;
}

std::optional<Tensor> labels_of(const NumpyArray& array, std::int64_t classes, Mistakes& mistakes) {
  if (array.kind == 'f') {
    mistakes.add(array.where, "its dtype is " + array.type() + ", expected whole numbers: save y.astype(np.int64)");
    return std::nullopt;
  }
  if (array.shape.size() != 1) {
    const bool column = array.shape.size() == 2 && array.shape[1] == 1;
    mistakes.add(array.where, "its shape is " + array.shape_text() + ", expected (n,), a label for each image: save " +
                                  (column || array.shape.size() != 2 ? "y.reshape(-1)" : "y.argmax(axis=1)"));
    return std::nullopt;
  }
  Tensor labels = Tensor::host(Shape{array.shape[0]}, DType::int32);
  for (std::size_t i = 0; i < array.size(); ++i) {
    const double label = array.number(i);
    if (!(label >= 0 && label < static_cast<double>(classes))) {
      mistakes.add(array.where, "label " + place_of(array, i) + " is " +
                                    std::to_string(static_cast<std::int64_t>(label)) + ", expected 0 to " +
                                    std::to_string(classes - 1) + ": number the classes from 0");
      return std::nullopt;
    }
    labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(label);
  }
  return labels;
}

/// More classes than any network has are a mistake in the labels.
constexpr std::int64_t most_label_classes = 100'000;

std::int64_t classes_of(const NumpyArray& labels) {
  double largest = 0;
  for (std::size_t i = 0; i < labels.size() && labels.kind != 'f'; ++i) largest = std::max(largest, labels.number(i));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::min(largest, 1e9)) + 1, 2, most_label_classes);
}

}  // namespace

Dataset read_arrays(const DataOptions& options) {
  const Arrays arrays(options.root);
  Mistakes mistakes;
  for (const char* name : {"x_train", "y_train", "x_test", "y_test"}) {
    if (!arrays.contains(name)) mistakes.add(options.root, std::string("no array ") + name + "; " + how_to_save);
  }
  mistakes.raise();
  Dataset set;
  set.name = fs::path(options.root).filename().string();
  set.class_names = options.class_names;
  set.classes = static_cast<std::int64_t>(set.class_names.size());
  for (ImageSet* part : {&set.train, &set.test}) {
    const bool train = part == &set.train;
    std::string x_where, x_shape;
    const NumpyArray y = arrays.read(train ? "y_train" : "y_test");
    if (set.classes == 0) set.classes = classes_of(y);
    std::optional<Tensor> images;
    {
      NumpyArray x = arrays.read(train ? "x_train" : "x_test");
      x_where = x.where, x_shape = x.shape_text();
      images = images_of(std::move(x), mistakes);
    }
    const auto labels = labels_of(y, set.classes, mistakes);
    if (!images || !labels) continue;
    if (images->shape()[0] != labels->shape()[0]) {
      mistakes.add(y.where, std::to_string(labels->shape()[0]) + " labels for the " +
                                std::to_string(images->shape()[0]) + " images of " + (train ? "x_train" : "x_test") +
                                ": one for each");
    }
    *part = {*images, *labels};
    if (!train && set.train.images.defined()) {
      const Shape& a = set.train.images.shape();
      const Shape& b = images->shape();
      if (a[1] != b[1] || a[2] != b[2] || a[3] != b[3]) {
        mistakes.add(x_where, "its shape is " + x_shape + ", images of x_train are " + std::to_string(a[1]) + " x " +
                                  std::to_string(a[2]) + " x " + std::to_string(a[3]) + ": they must be alike");
      }
    }
  }
  mistakes.raise();
  const Shape& shape = set.train.images.shape();
  set.h = shape[1], set.w = shape[2], set.channels = shape[3];
  std::vector<bool> seen(static_cast<std::size_t>(set.classes), false);
  for (const std::int32_t label : set.train.labels.values<std::int32_t>()) seen[static_cast<std::size_t>(label)] = true;
  const auto absent = std::ranges::count(seen, false);
  if (absent > 0) {
    set.warnings.push_back(options.root + ": " + std::to_string(absent) + " of the " + std::to_string(set.classes) +
                           " classes have no image in x_train");
  }
  for (auto k = static_cast<std::int64_t>(set.class_names.size()); k < set.classes; ++k) {
    set.class_names.push_back(std::to_string(k));
  }
  return set;
}

}  // namespace scnn
