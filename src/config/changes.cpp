#include "config/changes.h"

#include <map>

#include "config/yaml.h"

namespace scnn {
namespace {

using namespace config;

/// Every value by its key, in the order of the file.
struct Flat {
  std::vector<std::string> keys;
  std::map<std::string, std::string> values;

  void add(const Node& node, const std::string& path) {
    const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    const bool of_maps = node.kind == Kind::sequence && !node.items.empty() && node.items[0].kind == Kind::map;
    if (node.kind == Kind::map && !node.entries.empty()) {
      for (const Entry& entry : node.entries) add(entry.value, below(entry.key));
    } else if (of_maps) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const Node* name = node.items[i].find("name");
        add(node.items[i], below(name ? name->text : std::to_string(i)));
      }
    } else if (values.emplace(path, emit_flow(node)).second) {
      keys.push_back(path);
    }
  }
};

Flat flat(const std::string& yaml) {
  Diagnostics ignored;  // the program wrote it
  Flat flat;
  flat.add(parse_yaml(yaml, std::make_shared<Source>(), ignored), "");
  return flat;
}

}  // namespace

std::vector<std::string> changed_settings(const std::string& then, const std::string& now) {
  const Flat a = flat(then), b = flat(now);
  std::vector<std::string> changes;
  const auto value = [](const Flat& in, const std::string& key) {
    const auto found = in.values.find(key);
    return found == in.values.end() ? std::string("(not there)") : found->second;
  };
  for (const std::string& key : a.keys) {
    if (value(a, key) != value(b, key)) changes.push_back(key + ": " + value(a, key) + " -> " + value(b, key));
  }
  for (const std::string& key : b.keys) {
    if (!a.values.contains(key)) changes.push_back(key + ": " + value(a, key) + " -> " + value(b, key));
  }
  return changes;
}

}  // namespace scnn
