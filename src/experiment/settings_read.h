#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiment/schema.h"
#include "experiment/yaml.h"

namespace scnn::config {

/// Fills options from a tree without references; every mistake goes to the diagnostics and leaves the default.
class SettingsReader final : public SettingsVisitor {
 public:
  /// `extra`: keys of the outermost map that others read.
  SettingsReader(const Node& map, const std::string& path, std::vector<std::string> extra, Diagnostics& diagnostics);
  /// Reports the outermost map's unknown keys; to be called last.
  void finish() { end(); }
  /// Where a setting such as "compression.init.bits" was given, or nowhere.
  [[nodiscard]] Place place(const std::string& path) const;

  bool begin(const Field& field, bool& present) override;
  void end() override;
  void type(std::span<const Option> options, std::size_t& index) override;
  void choice(const Field& field, std::size_t& index) override;
  void list(const Field& field, const ListAccess& access) override;
  void value(const Field& field, bool& value) override;
  void value(const Field& field, std::int64_t& value) override;
  void value(const Field& field, std::uint64_t& value) override;
  void value(const Field& field, float& value) override;
  void value(const Field& field, double& value) override;
  void value(const Field& field, std::optional<double>& value) override;
  void value(const Field& field, std::string& value) override;
  void value(const Field& field, std::vector<std::string>& value) override;
  void value(const Field& field, std::vector<double>& value) override;
  void value(const Field& field, Period& value) override;
  void value(const Field& field, Extent2& value) override;
  void padding(const Field& field, Padding& kind, Extent2& pad) override;
  void groups(const Field& field, std::int64_t& groups, bool& depthwise) override;
  [[nodiscard]] bool missing(std::string_view key) const override;
  void need(std::string_view key, const std::string& why) override;

 private:
  struct Known {
    std::string key, types;
  };
  struct Frame {
    const Node* map;
    std::string path;
    std::vector<Known> known;
    std::vector<std::string> extra;
    std::string type;  ///< value of the map's `type`
    bool type_broken = false;
  };

  [[nodiscard]] std::string path_of(std::string_view key) const;
  /// The value of a key, or null if absent, of another type or broken.  Remembers that the key exists.
  const Node* take(const Field& field);
  void report(Code code, const Node& at, const std::string& message, const std::string& note = "",
              const std::string& footer = "");
  void wrong_type(const Field& field, const Node& node, const std::string& wanted);
  bool read_number(const Field& field, const Node& node, double& value);
  bool read_whole(const Field& field, const Node& node, std::int64_t& value);
  bool read_extent(const Field& field, const Node& node, Extent2& value);
  bool read_option(std::string_view key, const Node& node, std::span<const Option> options, std::size_t& index);
  void unknown_key(const Frame& frame, const Entry& entry);

  Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
  std::map<std::string, Place> places_;
};

}  // namespace scnn::config
