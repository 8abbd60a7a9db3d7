#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scnn {

struct SettingChoice {
  std::string name, doc;
};

/// One key of an experiment file, from the same table that reads and writes experiments.
struct Setting {
  std::string key;   ///< "compression.gamma"; "[]" stands for the items of a list; a layer's keys are "conv2d.kernel"
  std::string type;  ///< "whole number", "number", "text", "list of text", ...
  std::string default_value;  ///< as written in YAML; empty where the key must be given
  std::string range;          ///< "at least 1", "in [0, 1)"; empty: anything of the type
  std::string unit;
  std::string doc;  ///< one sentence
  std::vector<SettingChoice> choices;
  std::vector<std::string> only_for;  ///< values of `type` beside it under which it exists; empty: all
};

/// Every key, in the order of a written experiment, then the keys of each layer type.
[[nodiscard]] std::vector<Setting> describe_settings();

/// Something that a `type` key can name.
struct Component {
  std::string name, doc;
  std::vector<Setting> settings;  ///< its own keys
};

/// "layers", "optimizers", "schedules", "data", "augmentations", "compressions"
[[nodiscard]] std::vector<std::string> component_kinds();
/// Error(usage) naming the kinds if there is no such kind.
[[nodiscard]] std::vector<Component> list_components(std::string_view kind);

/// Text for people about a key ("compression.gamma"), the end of one ("gamma"), a section ("train.optimizer") or a
/// component ("conv2d").  Error(usage) with suggestions if nothing fits.
[[nodiscard]] std::string explain(const std::string& key_or_component);

/// A JSON Schema (draft-07) of experiment files, from the same table: names, meanings, defaults, ranges, choices.
[[nodiscard]] std::string settings_schema();

/// The page docs/settings.md, from the same table.
[[nodiscard]] std::string settings_markdown();

}  // namespace scnn
