#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "config/yaml.h"

namespace scnn::config {

/// One YAML file as a tree; a missing or unreadable file is a mistake at `where`.
[[nodiscard]] Node read_yaml_file(const std::filesystem::path& file, const SourceLocation& where,
                                  Diagnostics& diagnostics);

/// An experiment file with everything it extends and the overrides ("key.path=value") merged in, and `extends` gone;
/// more settings may be laid on it before its model file is.
[[nodiscard]] Node load_document(const std::filesystem::path& file, std::span<const std::string> overrides,
                                 Diagnostics& diagnostics);
/// Lays overrides ("key.path=value") on a document.
void apply_overrides(Node& document, std::span<const std::string> overrides, Diagnostics& diagnostics);
/// Lays the model file under what the experiment says of the model; `model.file` is gone then.
void expand_model_file(Node& document, Diagnostics& diagnostics);

/// Lays `over` on `base`: maps merge, lists and scalars replace, a different `type` (or `file`) replaces the whole map;
/// a map on a list changes the items of those names or indices.
void merge(Node& base, const Node& over, const std::string& path, Diagnostics& diagnostics);

}  // namespace scnn::config
