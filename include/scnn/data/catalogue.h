#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scnn/data/options.h"

namespace scnn {

/// One file as its publisher offers it.
struct DataDownload {
  std::string name;
  std::vector<std::string> urls;  ///< tried in this order
  std::string md5;                ///< the publisher's
};

/// A data set that is read from files.
struct DataInfo {
  std::string type;   ///< as in `data.type`
  std::string title;  ///< "Fashion-MNIST"
  std::string description;
  std::string homepage;
  std::string debian_package;         ///< empty where there is none
  std::vector<std::string> folders;   ///< names tried below a root; fetching makes the first
  std::vector<std::string> contents;  ///< the files read: training first
  std::vector<DataDownload> downloads;
  std::int64_t channels = 1, h = 0, w = 0;  ///< of every image
  bool archives = false;                    ///< the downloads are .tar.gz archives of one folder
  std::int64_t train_images = 0, test_images = 0;
  std::vector<std::string> class_names;
  /// XXH3 of the training images, their labels (int32), the test images and theirs, where known for certain.
  std::vector<std::uint64_t> content_hashes;
};

/// All data sets that are read from files.
[[nodiscard]] const std::vector<DataInfo>& data_catalogue();
/// Error(experiment) naming the known ones; Error(usage) for a type that has no published files.
[[nodiscard]] const DataInfo& data_info(const std::string& type);

/// What a network must fit, known before anything is read; 0 where only the files tell.
struct DataShape {
  std::int64_t channels = 0, h = 0, w = 0, classes = 0;
};
/// Error(experiment) where options.type is not known.
[[nodiscard]] DataShape data_shape(const DataOptions& options);

/// The folders in which `root` ("auto" or a folder) may hold the set, in the order they are tried.
[[nodiscard]] std::vector<std::filesystem::path> data_search_path(const DataInfo& info, const std::string& root);
/// The first of them that holds any of the set's files.
[[nodiscard]] std::optional<std::filesystem::path> find_data(const DataInfo& info, const std::string& root);
/// The same; Error(data) listing every path tried and the commands that get the files.
[[nodiscard]] std::filesystem::path require_data(const DataInfo& info, const std::string& root);
/// The file of `folder` that holds `content`, plain or gzip.
[[nodiscard]] std::optional<std::filesystem::path> find_content(const std::filesystem::path& folder,
                                                                const std::string& content);
/// "get the files with: sudo apt install ..., or: scnn data fetch ..."
[[nodiscard]] std::string data_remedy(const DataInfo& info);
/// Empty where the set's files are there, as far as that shows without reading them; else what to do about it.
[[nodiscard]] std::string why_no_data(const DataOptions& options);
/// "JPEG (libjpeg-turbo 2.1.5), PNG (libpng 1.6.39)", and what is missing, with the remedy.
struct ImageDecoders {
  std::string found, missing;
};
[[nodiscard]] ImageDecoders image_decoders();

/// Downloads with curl, checks the publisher's MD5, unpacks, and puts the result at `folder`/info.folders[0] in one
/// step: what is there afterwards is complete.  Returns that folder, untouched if it holds a verified copy already.
/// `log` gets a line for each file.  Error(data) on a failed download or a wrong checksum, or when something else is in
/// its place; Error(run_folder) where the folder cannot be written.
std::filesystem::path fetch_data(const DataInfo& info, const std::filesystem::path& folder,
                                 const std::function<void(const std::string&)>& log = {});

/// What is known about a set's files.
struct DataVerdict {
  std::filesystem::path folder;
  bool readable = false;  ///< they are complete and well-formed
  bool official = false;  ///< and proven to be the published ones
  std::string evidence;   ///< how that is known, or what is wrong
};

/// Reads the whole set and looks for proof that it is the published one: its content, the MD5 of the published files,
/// or the note that fetch_data() leaves beside files whose archive it checked.  Error(data) where there is no set.
[[nodiscard]] DataVerdict verify_data(const DataInfo& info, const std::string& root);

}  // namespace scnn
