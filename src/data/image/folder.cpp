#include "data/image/folder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/file.h"
#include "scnn/core/error.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const fs::path& place, const std::string& what) {
  throw Error(ErrorKind::data, place.string() + ": " + what);
}

constexpr const char* layouts =
    "data.root of an image_folder holds train/<class>/*.jpg|png and test/<class>/..., or <class>/... alone";

fs::path train_root(const fs::path& root) {
  if (!fs::is_directory(root)) refuse(root, std::string("there is no such folder; ") + layouts);
  return fs::is_directory(root / "train") ? root / "train" : root;
}

/// Names go into JSON: UTF-8, by the length each first byte says.
bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    const int more = first < 0x80                    ? 0
                     : first >= 0xC2 && first < 0xE0 ? 1
                     : first >= 0xE0 && first < 0xF0 ? 2
                     : first >= 0xF0 && first < 0xF5 ? 3
                                                     : -1;
    if (more < 0) return false;
    for (int k = 0; k < more; ++k, ++i) {
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) return false;
    }
  }
  return true;
}

std::vector<std::string> class_folders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!entry.is_directory() || name.starts_with('.')) continue;
    if (!is_utf8(name) || name.size() > 255)
      refuse(entry.path(), "its name is not UTF-8 of at most 255 bytes: rename it");
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

bool is_image(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png";
}

/// Appends the images of folder/name, deeper folders included; counts what is no image.
void list_class(const fs::path& root, const fs::path& folder, std::int32_t label, std::vector<ImageFile>& files,
                std::int64_t& others) {
  const auto first = static_cast<std::ptrdiff_t>(files.size());
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() || entry.path().filename().string().starts_with('.')) continue;
    if (!is_image(entry.path()) || !entry.is_regular_file()) {
      ++others;
      continue;
    }
    files.push_back({entry.path().lexically_relative(root).generic_string(), label, entry.file_size(),
                     entry.last_write_time().time_since_epoch().count()});
  }
  std::sort(files.begin() + first, files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
}

/// The part of a path that stays when a folder `train` is put around the classes.
std::string name_below(const fs::path& base, const fs::path& root, const ImageFile& file) {
  return (root / file.path).lexically_relative(base).generic_string();
}

void hold_out_test(ImageFolder& folder, const fs::path& base, double fraction) {
  std::map<std::int32_t, std::vector<std::pair<std::uint64_t, std::size_t>>> classes;
  for (std::size_t i = 0; i < folder.train.size(); ++i) {
    const std::string name = name_below(base, folder.root, folder.train[i]);
    classes[folder.train[i].label].emplace_back(hash64(std::as_bytes(std::span(name))), i);
  }
  std::vector<bool> held(folder.train.size(), false);
  for (auto& [label, images] : classes) {
    const auto n = static_cast<std::int64_t>(images.size());
    const std::int64_t wanted = std::max<std::int64_t>(1, std::llround(fraction * static_cast<double>(n)));
    if (wanted >= n) {
      refuse(base / folder.classes[static_cast<std::size_t>(label)],
             std::to_string(n) + " images, of which data.test_fraction holds out " + std::to_string(wanted) +
                 ": none is left to train on; add images, or make a folder test");
    }
    std::ranges::sort(images);
    for (std::int64_t i = 0; i < wanted; ++i) held[images[static_cast<std::size_t>(i)].second] = true;
  }
  std::vector<ImageFile> train;
  for (std::size_t i = 0; i < held.size(); ++i) (held[i] ? folder.test : train).push_back(std::move(folder.train[i]));
  folder.train = std::move(train);
}

ImageFolder list(const DataOptions& options) {
  ImageFolder folder;
  folder.root = fs::path(options.root);
  folder.classes = image_classes(folder.root);
  const fs::path train = train_root(folder.root), test = folder.root / "test";
  const bool split = train != folder.root, tested = split && fs::is_directory(test);
  std::string unread;
  for (const char* name : {"val", "valid", "validation"}) {
    if (split && fs::is_directory(folder.root / name)) unread = name;
  }
  if (!unread.empty() && !tested) {
    refuse(folder.root, "it has a folder " + unread +
                            " and no folder test: name the images that results are judged by test; "
                            "images to choose by are held out of train (data.validation.fraction)");
  }
  if (!unread.empty()) {
    folder.warnings.push_back((folder.root / unread).string() +
                              " is not read: images to choose by are held out of train (data.validation.fraction)");
  }
  std::int64_t others = 0;
  for (std::size_t k = 0; k < folder.classes.size(); ++k) {
    const std::size_t before = folder.train.size();
    list_class(folder.root, train / folder.classes[k], static_cast<std::int32_t>(k), folder.train, others);
    if (folder.train.size() == before) {
      refuse(train / folder.classes[k],
             "no .jpg, .jpeg or .png in it: every folder here is a class; add images or remove it");
    }
  }
  if (!tested) {
    hold_out_test(folder, train, options.image_folder.test_fraction);
    folder.warnings.push_back(folder.root.string() + " has no folder test: " + std::to_string(folder.test.size()) +
                              " images are held out as the test split (data.test_fraction)");
  } else {
    for (const std::string& name : class_folders(test)) {
      const auto found = std::ranges::find(folder.classes, name);
      if (found == folder.classes.end()) refuse(test / name, "train has no class of that name: rename or remove it");
      list_class(folder.root, test / name, static_cast<std::int32_t>(found - folder.classes.begin()), folder.test,
                 others);
    }
    if (folder.test.empty()) refuse(test, "no images in it; " + std::string(layouts));
  }
  if (others > 0) {
    folder.warnings.push_back(folder.root.string() + ": " + std::to_string(others) +
                              " files that are no .jpg, .jpeg or .png were passed over");
  }
  return folder;
}

}  // namespace

std::vector<std::string> image_classes(const fs::path& root) {
  try {
    const fs::path train = train_root(root);
    if (train == root && fs::is_directory(root / "test")) {
      refuse(root, std::string("it has a folder test and none named train; ") + layouts);
    }
    std::vector<std::string> classes = class_folders(train);
    if (classes.size() < 2) {
      refuse(train, "it has " + std::to_string(classes.size()) + " folders, expected one for each class, at least 2; " +
                        layouts);
    }
    return classes;
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::data, std::string(error.what()) + "; make the folder readable");
  }
}

ImageFolder list_image_folder(const DataOptions& options) {
  try {
    return list(options);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::data, std::string(error.what()) + "; make the folder readable");
  }
}

}  // namespace scnn
