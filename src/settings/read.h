#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "settings/schema.h"

namespace scnn::config {

/// Fills options from a tree without references; every mistake goes to the diagnostics and leaves the default.
class SettingsReader final : public SettingsVisitor {
 public:
  /// `extra`: keys of the outermost map that others read.
  SettingsReader(const Node& map, const std::string& path, std::vector<std::string> extra, Diagnostics& diagnostics);
  /// Reports the outermost map's unknown keys; to be called last.
  void finish() { end(); }
  /// Where a setting such as "compression.init.bits" was given, or nowhere.
  [[nodiscard]] SourceLocation place(const std::string& path) const;
  /// All of them.
  [[nodiscard]] const std::map<std::string, SourceLocation>& locations() const noexcept { return locations_; }

  bool begin(const Field& field, bool& present) override;
  void end() override;
  void type(std::span<const Option> options, std::size_t& index) override;
  void choice(const Field& field, std::size_t& index) override;
  void list(const Field& field, const ListAccess& access) override;
  void set(const Field& field, Member member) override;
  [[nodiscard]] bool missing(std::string_view key) const override;
  void need(std::string_view key, const std::string& why) override;
  void retired(std::string_view key, std::string_view harmless, std::string_view why) override;

 private:
  struct Known {
    std::string key, types;
  };
  struct Retired {
    std::string key, why;
    bool harmless = false;  ///< as it stands in this file
  };
  struct Frame {
    const Node* map;
    std::string path;
    std::vector<Known> known;
    std::vector<std::string> extra;
    std::string type;  ///< value of the map's `type`
    bool type_broken = false;
    std::vector<Retired> retired = {};
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
  // One for each kind of Member.
  void fill(const Field& field, bool& value);
  void fill(const Field& field, std::int64_t& value);
  void fill(const Field& field, std::uint64_t& value);
  void fill(const Field& field, float& value);
  void fill(const Field& field, double& value);
  void fill(const Field& field, std::optional<double>& value);
  void fill(const Field& field, std::string& value);
  void fill(const Field& field, std::vector<std::string>& value);
  void fill(const Field& field, std::vector<double>& value);
  void fill(const Field& field, Period& value);
  void fill(const Field& field, Extent2& value);
  void fill(const Field& field, PaddingMembers value);
  void fill(const Field& field, GroupsMembers value);

  Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
  std::map<std::string, SourceLocation> locations_;
};

}  // namespace scnn::config
