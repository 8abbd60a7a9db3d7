#pragma once

#include <vector>

#include "config/yaml.h"
#include "settings/schema.h"

namespace scnn::config {

[[nodiscard]] Node text_node(std::string_view text, bool quoted = false);
[[nodiscard]] Node number_node(double value);
void put(Node& map, std::string_view key, Node value);

/// Writes options as a tree, defaults and all; reading it gives the same options.
class SettingsWriter final : public SettingsVisitor {
 public:
  SettingsWriter();
  /// The tree; to be taken once.
  [[nodiscard]] Node take() { return std::move(frames_.front().map); }

  bool begin(const Field& field, bool& present) override;
  void end() override;
  void type(std::span<const Option> options, std::size_t& index) override;
  void choice(const Field& field, std::size_t& index) override;
  void list(const Field& field, const ListAccess& access) override;
  void set(const Field& field, Member member) override;

 private:
  struct Frame {
    Node map;
    std::string key, type;
  };
  void add(const Field& field, Node value);

  std::vector<Frame> frames_;
};

}  // namespace scnn::config
