#pragma once

#include <filesystem>
#include <string>

#include "scnn/data/catalogue.h"
#include "scnn/data/dataset.h"

namespace scnn {

/// Train and test set of the files of `folder`, unsplit and not normalized.  Error(data).
[[nodiscard]] Dataset read_files(const DataInfo& info, const std::filesystem::path& folder);

/// How it is known that `set`, read from `folder`, is the published one; empty where it is not known.  Error(data)
/// where the files differ from those that fetch_data() put there.
[[nodiscard]] std::string official_evidence(const DataInfo& info, const std::filesystem::path& folder,
                                            const Dataset& set);

/// The MD5 of a file by coreutils' md5sum; Error(data) where that cannot be had.
[[nodiscard]] std::string md5_of(const std::string& path);

/// Leaves a note in `folder`: these files come from downloads whose MD5 was right.
void write_verified_note(const DataInfo& info, const std::filesystem::path& folder);

}  // namespace scnn
