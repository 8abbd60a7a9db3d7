#include "config/document.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "config/renamed_keys.h"
#include "core/file.h"
#include "scnn/core/error.h"

namespace scnn::config {
namespace {

namespace fs = std::filesystem;

std::string child(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

/// Paths are relative to the file they stand in.
fs::path relative_to(const SourceLocation& place, const std::string& path) {
  if (fs::path(path).is_absolute() || !place.source) return path;
  return (place.source->folder / path).lexically_normal();
}

bool differs(const Node& base, const Node& over, std::string_view key) {
  const Node* mine = base.find(key);
  const Node* theirs = over.find(key);
  if (!theirs || theirs->kind != Kind::scalar) return false;
  // Without a type of its own the base is only a part: the two together are the whole.
  if (!mine) return key == "file" && base.find("layers");
  return mine->kind == Kind::scalar && mine->text != theirs->text;
}

Node* find_item(Node& list, const std::string& key) {
  for (Node& item : list.items) {
    const Node* name = item.kind == Kind::map ? item.find("name") : nullptr;
    if (name && name->kind == Kind::scalar && name->text == key) return &item;
  }
  const bool digits = !key.empty() && key.size() < 7 &&
                      std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isdigit(c); });
  if (!digits) return nullptr;
  const auto index = static_cast<std::size_t>(std::stoul(key));
  return index < list.items.size() ? &list.items[index] : nullptr;
}

std::vector<std::string> item_names(const Node& list) {
  std::vector<std::string> names;
  for (const Node& item : list.items) {
    const Node* name = item.kind == Kind::map ? item.find("name") : nullptr;
    if (name && name->kind == Kind::scalar) names.push_back(name->text);
  }
  return names;
}

/// Names may hold dots: 'layer1.conv' arrives as layer1: {conv: ...}.
bool names_below(const std::vector<std::string>& names, const std::string& key) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name == key || name.starts_with(key + "."); });
}

void merge_item(Node& list, const Entry& entry, const std::string& key, const std::string& path,
                Diagnostics& diagnostics) {
  const std::vector<std::string> names = item_names(list);
  Node* item = find_item(list, key);
  Node rest = entry.value;
  bool split = false;
  if (entry.value.kind == Kind::map) {
    for (const Entry& inner : entry.value.entries) {
      const std::string longer = key + "." + inner.key;
      const bool own = item && item->kind == Kind::map && item->find(inner.key);
      if (own || !names_below(names, longer)) continue;
      merge_item(list, inner, longer, path, diagnostics);
      rest.erase(inner.key);
      split = true;
    }
  }
  if (split && rest.entries.empty()) return;
  item = find_item(list, key);
  if (item) {
    const Node* name = item->kind == Kind::map ? item->find("name") : nullptr;
    const Entry kept{"name", name ? name->place : SourceLocation{}, name ? *name : Node{}};
    merge(*item, rest, child(path, key), diagnostics);
    // A layer of another type keeps the name it was found by.
    if (name && item->kind == Kind::map && !item->find("name")) item->entries.insert(item->entries.begin(), kept);
    return;
  }
  diagnostics.add({Code::network, "no item '" + key + "' in " + (path.empty() ? "the list" : path), entry.place, path,
                   did_you_mean(key, names),
                   names.empty() ? "items are found by their 'name', or by index from 0; none here has a name"
                                 : "named items: " + join(names)});
}

Node load_file(const fs::path& file, const SourceLocation& where, std::vector<fs::path>& chain,
               Diagnostics& diagnostics);

/// The bases a file extends, merged in their order; takes `extends` out of the file.
Node load_bases(Node& document, std::vector<fs::path>& chain, Diagnostics& diagnostics) {
  Node merged;
  merged.kind = Kind::map;
  merged.place = document.place;
  const Node* extends = document.find("extends");
  if (!extends) return merged;
  const std::vector<Node> bases = extends->kind == Kind::sequence ? extends->items : std::vector<Node>{*extends};
  document.erase("extends");
  for (const Node& base : bases) {
    if (base.kind == Kind::invalid) continue;
    if (base.kind != Kind::scalar || base.text.empty()) {
      diagnostics.add({Code::extends, "'extends' takes files, not " + base.describe(), base.place, "",
                       "write extends: [base.yaml]", ""});
      continue;
    }
    const Node loaded = load_file(relative_to(base.place, base.text), base.place, chain, diagnostics);
    merge(merged, loaded, "", diagnostics);
  }
  return merged;
}

Node load_file(const fs::path& file, const SourceLocation& where, std::vector<fs::path>& chain,
               Diagnostics& diagnostics) {
  std::error_code ignored;
  const fs::path canonical = fs::weakly_canonical(file, ignored);
  const auto seen = std::find(chain.begin(), chain.end(), canonical);
  if (seen != chain.end()) {
    std::string text;
    for (auto it = seen; it != chain.end(); ++it) text += it->filename().string() + " -> ";
    diagnostics.add({Code::extends, "files extend each other in a circle", where, "", "take one of them out",
                     text + canonical.filename().string()});
    Node broken;
    broken.kind = Kind::invalid;
    return broken;
  }
  chain.push_back(canonical);
  Node document = read_yaml_file(file, where, diagnostics);
  rename_old_keys(document, Author::person, diagnostics);
  if (document.kind == Kind::map) {
    Node merged = load_bases(document, chain, diagnostics);
    merge(merged, document, "", diagnostics);
    document = std::move(merged);
  }
  chain.pop_back();
  return document;
}

/// All overrides as one tree, so that their order does not matter; the last of two for one key wins.
Node read_overrides(std::span<const std::string> overrides, Diagnostics& diagnostics) {
  Node root;
  root.kind = Kind::map;
  for (const std::string& text : overrides) {
    auto source = std::make_shared<Source>();
    source->name = text;
    source->is_override = true;
    source->lines = {text};
    const SourceLocation whole{source, 1, 1, static_cast<int>(text.size())};
    root.place = whole;
    const std::size_t equals = text.find('=');
    const std::string path = text.substr(0, std::min(equals, text.size()));
    const bool shaped = equals != std::string::npos && !path.empty() && path.front() != '.' && path.back() != '.' &&
                        path.find("..") == std::string::npos && path.find_first_of(" \t\n{}[]") == std::string::npos;
    if (!shaped) {
      const bool item = path.find('[') != std::string::npos;
      diagnostics.add({Code::override_, "an override is key.path=value", whole, "",
                       item ? "replace the list as a whole: key=[...]" : "for example train.epochs=3", ""});
      continue;
    }
    if (text.find('\n') != std::string::npos) {
      diagnostics.add({Code::override_, "an override is one line", whole, "", "", ""});
      continue;
    }
    if (path == "extends" || path.starts_with("extends.")) {
      diagnostics.add({Code::override_, "'extends' cannot be overridden", whole, "", "write it into a file", ""});
      continue;
    }
    Node* node = &root;
    for (std::size_t start = 0; start <= path.size();) {
      const std::size_t end = std::min(path.find('.', start), path.size());
      const std::string key = path.substr(start, end - start);
      const SourceLocation place{source, 1, static_cast<int>(start + 1), static_cast<int>(key.size())};
      if (node->kind != Kind::map) {
        *node = Node{};
        node->kind = Kind::map;
        node->place = whole;
      }
      if (Node* next = node->find(key)) {
        node = next;
      } else {
        node->entries.push_back({key, place, Node{}});
        node = &node->entries.back().value;
        node->kind = Kind::map;
        node->place = place;
      }
      start = end + 1;
    }
    *node = parse_value(static_cast<int>(equals + 2), source, diagnostics);
    if (node->kind == Kind::null) node->place = whole;
  }
  rename_old_keys(root, Author::person, diagnostics);
  return root;
}

}  // namespace

Node read_yaml_file(const fs::path& file, const SourceLocation& where, Diagnostics& diagnostics) {
  auto source = std::make_shared<Source>();
  source->name = file.string();
  source->folder = file.parent_path();
  Node broken;
  broken.kind = Kind::invalid;
  std::string text, reason;
  std::error_code error;
  if (fs::is_directory(file, error)) {
    reason = "it is a folder";
  } else if (!fs::exists(file, error)) {
    reason = "there is no such file";
  } else {
    try {
      text = read_text(file, ErrorKind::experiment);
    } catch (const Error& failure) {
      reason = failure.what();
    }
  }
  if (!reason.empty()) {
    std::vector<std::string> siblings;
    const fs::path folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".yaml") siblings.push_back(it->path().filename().string());
    }
    std::sort(siblings.begin(), siblings.end());
    diagnostics.add({where.source ? Code::extends : Code::file, "cannot read " + file.string() + ": " + reason, where,
                     "", did_you_mean(file.filename().string(), siblings), ""});
    return broken;
  }
  source->lines = split_lines(text);
  return parse_yaml(text, source, diagnostics);
}

void merge(Node& base, const Node& over, const std::string& path, Diagnostics& diagnostics) {
  if (over.kind == Kind::map && base.kind == Kind::sequence && !over.entries.empty()) {
    for (const Entry& entry : over.entries) merge_item(base, entry, entry.key, path, diagnostics);
    return;
  }
  // The keys of `device` are the same whatever its type.
  const bool other =
      path != "device" && (differs(base, over, "type") || (path == "model" && differs(base, over, "file")));
  if (base.kind != Kind::map || over.kind != Kind::map || other) {
    base = over;
    return;
  }
  for (const Entry& entry : over.entries) {
    if (Node* mine = base.find(entry.key)) {
      merge(*mine, entry.value, child(path, entry.key), diagnostics);
    } else {
      base.entries.push_back(entry);
    }
  }
}

void expand_model_file(Node& document, Diagnostics& diagnostics) {
  Node* model = document.find("model");
  if (!model || model->kind != Kind::map || !model->find("file")) return;
  const Node file = *model->find("file");
  model->erase("file");
  if (file.kind != Kind::scalar) {
    if (file.kind != Kind::invalid) {
      diagnostics.add(
          {Code::wrong_type, "model.file must be a path, not " + file.describe(), file.place, "model", "", ""});
    }
    model->kind = Kind::invalid;
    return;
  }
  Node base = read_yaml_file(relative_to(file.place, file.text), file.place, diagnostics);
  if (base.kind != Kind::map) {
    model->kind = Kind::invalid;
    return;
  }
  for (const Entry& entry : base.entries) {
    if (entry.key == "file" || entry.key == "extends") {
      diagnostics.add({Code::unknown_key, "a model file stands alone: '" + entry.key + "' is for experiments",
                       entry.place, "", "", "known keys here: parameters, input, blocks, layers"});
    }
  }
  base.erase("file");
  base.erase("extends");
  const Node* given = model->find("parameters");
  const Node* known = base.find("parameters");
  if (given && given->kind == Kind::map) {
    std::vector<std::string> names;
    if (known) {
      for (const Entry& entry : known->entries) names.push_back(entry.key);
    }
    for (const Entry& entry : given->entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
      diagnostics.add({Code::unknown_key, file.text + " has no parameter '" + entry.key + "'", entry.place,
                       "model.parameters", did_you_mean(entry.key, names),
                       names.empty() ? "it has none" : "its parameters: " + join(names)});
    }
  }
  if (const Node* layers = model->find("layers"); layers && layers->kind == Kind::sequence) {
    diagnostics.add({Code::conflict, "both a model file and a list of layers", layers->place, "model",
                     "give one of them; a map here changes named layers of the file", ""});
  }
  merge(base, *model, "model", diagnostics);
  *model = std::move(base);
}

Node load_document(const fs::path& file, std::span<const std::string> overrides, Diagnostics& diagnostics) {
  std::vector<fs::path> chain;
  Node document = load_file(file, SourceLocation{}, chain, diagnostics);
  apply_overrides(document, overrides, diagnostics);
  return document;
}

void apply_overrides(Node& document, std::span<const std::string> overrides, Diagnostics& diagnostics) {
  const Node over = read_overrides(overrides, diagnostics);
  if (document.kind == Kind::map) merge(document, over, "", diagnostics);
}

}  // namespace scnn::config
