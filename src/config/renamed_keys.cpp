#include "config/renamed_keys.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>

namespace scnn::config {
namespace {

struct Renamed {
  std::string_view section, old_name, name;
};
/// Old names are accepted for one version.
constexpr Renamed renamed_keys[] = {
    {"compression", "settle", "freeze"},
    {"device", "weight_quantisation", "weight_quantization"},
};

}  // namespace

void rename_old_keys(Node& document, Author author, Diagnostics& diagnostics) {
  if (document.kind != Kind::map) return;
  for (const Renamed& key : renamed_keys) {
    Node* section = document.find(key.section);
    if (!section || section->kind != Kind::map) continue;
    const auto old = std::ranges::find(section->entries, key.old_name, &Entry::key);
    if (old == section->entries.end()) continue;
    const std::string old_name(key.old_name), name(key.name);
    if (section->find(key.name)) {
      diagnostics.add({Code::duplicate, "'" + old_name + "' is the old name of '" + name + "', and both are given",
                       old->place, std::string(key.section), "remove it", ""});
      section->erase(key.old_name);
      continue;
    }
    if (author == Author::person) {
      spdlog::warn("{}: '{}' is now named '{}'; the next version refuses the old name", old->place.str(), old_name,
                   name);
    }
    old->key = name;
  }
}

}  // namespace scnn::config
