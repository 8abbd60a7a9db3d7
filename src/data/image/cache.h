#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "data/image/folder.h"
#include "scnn/core/tensor.h"

namespace scnn {

/// Pixels of both splits, uint8 [n, h, w, channels].
struct FolderPixels {
  Tensor train, test;
};

/// Decodes and resizes all images on every core, or takes them from one file in $XDG_CACHE_HOME/scnn (else
/// ~/.cache/scnn) whose name is the hash of settings, names, sizes and times of change.  A damaged or missing one is
/// made again, whole or not at all, whoever else makes it at the same time; where that cannot be, `warning` says why.
/// Error(data) naming the images that cannot be read, all of them.  `progress` is told, on the calling thread, how far
/// decoding is, at most once in `period`.
[[nodiscard]] FolderPixels folder_pixels(const ImageFolder& folder, const ImageFolderOptions& options,
                                         const std::function<void(const std::string&)>& progress, std::string& warning,
                                         std::chrono::milliseconds period = std::chrono::seconds(2));

}  // namespace scnn
