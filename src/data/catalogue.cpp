#include "scnn/data/catalogue.h"

#include <algorithm>
#include <cstdlib>

#include "data/image/folder.h"
#include "scnn/core/error.h"

namespace scnn {

const DataInfo& data_info(const std::string& type) {
  const std::vector<DataInfo>& all = data_catalogue();
  const auto found = std::ranges::find(all, type, &DataInfo::type);
  if (found != all.end()) return *found;
  if (type == "image_folder" || type == "arrays") {
    throw Error(ErrorKind::usage, type + " is for files of your own: data.root names them");
  }
  if (type == "synthetic")
    throw Error(ErrorKind::usage, "synthetic data are made as they are needed: they have no files");
  std::string known;
  for (const DataInfo& info : all) known += info.type + ", ";
  throw Error(ErrorKind::experiment,
              "data.type '" + type + "' is not known; known: " + known + "synthetic, image_folder, arrays");
}

DataShape data_shape(const DataOptions& options) {
  if (options.type == "synthetic") {
    const SyntheticOptions& made = options.synthetic;
    return {made.channels, made.h, made.w, made.classes};
  }
  if (options.type == "image_folder") {
    const ImageFolderOptions& images = options.image_folder;
    if (!why_no_data(options).empty()) return {images.channels, images.h, images.w, 0};
    return {images.channels, images.h, images.w, static_cast<std::int64_t>(image_classes(options.root).size())};
  }
  if (options.type == "arrays") return {0, 0, 0, static_cast<std::int64_t>(options.class_names.size())};
  const DataInfo& info = data_info(options.type);
  return {info.channels, info.h, info.w, static_cast<std::int64_t>(info.class_names.size())};
}

std::vector<std::filesystem::path> data_search_path(const DataInfo& info, const std::string& root) {
  std::vector<std::filesystem::path> roots;
  if (root == "auto") {
    const char* variable = std::getenv("SCNN_DATA");
    if (variable != nullptr && *variable != '\0') roots.emplace_back(variable);
    for (const char* place : {"./data", "/usr/share/datasets", "/usr/share"}) roots.emplace_back(place);
  } else {
    roots.emplace_back(root);
  }
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& base : roots) {
    for (const std::string& name : info.folders) folders.push_back(base / name);
    // MNIST and Fashion-MNIST have the same file names: a folder named after another set is not this one.
    const std::string own = (base.has_filename() ? base : base.parent_path()).filename().string();
    const bool foreign = std::ranges::any_of(data_catalogue(), [&](const DataInfo& other) {
      return other.type != info.type && std::ranges::find(other.folders, own) != other.folders.end();
    });
    if (!foreign) folders.push_back(base);
  }
  return folders;
}

std::optional<std::filesystem::path> find_content(const std::filesystem::path& folder, const std::string& content) {
  std::string dotted = content;  // as some unpackers name them: train-images.idx3-ubyte
  if (const std::size_t at = dotted.find("-idx"); at != std::string::npos) dotted[at] = '.';
  for (const std::string& name : {content, content + ".gz", dotted, dotted + ".gz"}) {
    std::error_code code;
    if (std::filesystem::is_regular_file(folder / name, code)) return folder / name;
  }
  return std::nullopt;
}

std::optional<std::filesystem::path> find_data(const DataInfo& info, const std::string& root) {
  for (const std::filesystem::path& folder : data_search_path(info, root)) {
    if (std::ranges::any_of(info.contents, [&](const auto& name) { return find_content(folder, name).has_value(); })) {
      return folder;
    }
  }
  return std::nullopt;
}

std::string data_remedy(const DataInfo& info) {
  std::string text = "get the files with: ";
  if (!info.debian_package.empty()) text += "sudo apt install " + info.debian_package + ", or: ";
  return text + "scnn data fetch " + info.type;
}

std::string why_no_data(const DataOptions& options) {
  if (options.type == "synthetic") return "";
  std::error_code code;
  if (options.type == "image_folder" || options.type == "arrays") {
    const bool there = options.type == "arrays" ? std::filesystem::exists(options.root, code)
                                                : std::filesystem::is_directory(options.root, code);
    return there ? "" : "there is no " + options.root + "; data.root names the files of your own";
  }
  const DataInfo& info = data_info(options.type);
  return find_data(info, options.root) ? "" : data_remedy(info);
}

std::filesystem::path require_data(const DataInfo& info, const std::string& root) {
  if (const auto found = find_data(info, root)) return *found;
  std::string text = info.title + " was not found; tried";
  if (root == "auto" && std::getenv("SCNN_DATA") == nullptr) text += " ($SCNN_DATA is not set)";
  text += ":";
  for (const std::filesystem::path& folder : data_search_path(info, root)) text += "\n  " + folder.string();
  throw Error(ErrorKind::data, text + "\n" + data_remedy(info) + "\nor set data.root or $SCNN_DATA to its folder");
}

}  // namespace scnn
