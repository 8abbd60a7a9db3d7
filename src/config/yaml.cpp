#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <unordered_map>

namespace scnn::config {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20U;
constexpr std::size_t deepest = 64;

struct Stop {};  // ends parsing after a mistake that nothing can follow

bool is_word_boolean(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text == "yes" || text == "no" || text == "on" || text == "off";
}

bool has_leading_zero(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) || c == '_' || c == '.'; }) &&
         text[1] != '.';
}

/// Builds the tree from yaml-cpp's events, which carry what its own tree forgets: marks, tags, repeated keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const Source> source, int column_offset, Diagnostics& diagnostics)
      : source_(std::move(source)), offset_(column_offset), diagnostics_(diagnostics) {}

  Node root;
  int documents = 0;

  [[nodiscard]] SourceLocation place(const YAML::Mark& mark, std::size_t length = 1) const {
    const int line = std::max(mark.line, 0) + 1;
    return {source_, line, std::max(mark.column, 0) + 1 + (line == 1 ? offset_ : 0), static_cast<int>(length)};
  }
  void report(Code code, const std::string& message, const SourceLocation& where, const std::string& note = "") {
    diagnostics_.add({code, message, where, "", note, ""});
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents < 2) return;
    report(Code::syntax, "a second document", place(mark), "one file holds one experiment: remove '---'");
    throw Stop{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place(mark);
    put(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    report(Code::forbidden, "aliases (*name) are not supported", place(mark),
           "refer to another value with ${path.to.key}; quote text that starts with '*'");
    Node node;
    node.kind = Kind::invalid;
    node.place = place(mark);
    put(std::move(node), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = Kind::scalar;
    node.text = value;
    node.quoted = tag == "!";
    node.place = place(mark, value.size() + (node.quoted ? 2 : 0));
    check_tag(tag, node);
    const bool is_key = !stack_.empty() && stack_.back().node.kind == Kind::map && !stack_.back().has_key;
    if (!node.quoted && !is_key) check_plain(node);
    put(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;
    std::string key;
    SourceLocation key_place;
    bool key_dropped = false;
    std::unordered_map<std::string, SourceLocation> keys;
  };

  void check_tag(const std::string& tag, Node& node) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report(Code::forbidden, "tags (" + tag + ") are not supported", node.place, "remove it: a key's type is fixed");
    node.kind = Kind::invalid;
  }
  void check_plain(Node& node) {
    if (is_word_boolean(node.text)) {
      report(Code::forbidden, "'" + node.text + "' is a boolean to some YAML readers and text to others", node.place,
             "write true or false, or put quotes around text");
      node.kind = Kind::invalid;
    } else if (has_leading_zero(node.text)) {
      std::string plain = node.text;
      plain.erase(0, std::min(plain.find_first_not_of("+-0"), plain.size() - 1));
      report(Code::forbidden, "'" + node.text + "' is octal to some YAML readers", node.place,
             "write " + plain + ", or put quotes around text");
      node.kind = Kind::invalid;
    }
  }
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    Frame frame;
    frame.node.kind = kind;
    frame.node.place = place(mark);
    check_anchor(anchor, frame.node);
    check_tag(tag, frame.node);
    frame.node.kind = kind;
    if (stack_.size() >= deepest) {
      report(Code::syntax, "more than " + std::to_string(deepest) + " levels of nesting", frame.node.place);
      throw Stop{};
    }
    stack_.push_back(std::move(frame));
  }
  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    put(std::move(node), 0);
  }
  void check_anchor(YAML::anchor_t anchor, const Node& node) {
    if (anchor == 0) return;
    report(Code::forbidden, "anchors (&name) are not supported", node.place,
           "refer to another value with ${path.to.key}");
  }
  void put(Node node, YAML::anchor_t anchor) {
    check_anchor(anchor, node);
    if (stack_.empty()) {
      root = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Kind::sequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, node);
    } else {
      // A missing value's mark is wherever the parser noticed; the key is where a reader looks.
      if (node.kind == Kind::null) node.place = frame.key_place;
      if (!frame.key_dropped) frame.node.entries.push_back({frame.key, frame.key_place, std::move(node)});
      frame.has_key = false;
    }
  }
  void take_key(Frame& frame, const Node& node) {
    frame.has_key = true;
    frame.key = node.text;
    frame.key_place = node.place;
    frame.key_dropped = true;
    if (node.kind != Kind::scalar) {
      if (node.kind != Kind::invalid) report(Code::syntax, "a key must be a word", node.place);
    } else if (node.text == "<<" && !node.quoted) {
      report(Code::forbidden, "merge keys (<<) are not supported", node.place,
             "use 'extends: [base.yaml]' or refer to a value with ${path.to.key}");
    } else if (const auto [first, fresh] = frame.keys.emplace(node.text, node.place); !fresh) {
      report(Code::duplicate, "duplicate key '" + node.text + "'", node.place,
             "already given at " + first->second.str());
    } else {
      frame.key_dropped = false;
    }
  }

  std::shared_ptr<const Source> source_;
  int offset_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
};

/// Position of the first byte that is not UTF-8, or npos.
std::size_t find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 0;
    if (lead < 0x80U)
      length = 1;
    else if (lead >= 0xC2U && lead < 0xE0U)
      length = 2;
    else if (lead >= 0xE0U && lead < 0xF0U)
      length = 3;
    else if (lead >= 0xF0U && lead < 0xF5U)
      length = 4;
    if (length == 0 || i + length > text.size()) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

/// What yaml-cpp would swallow or misread before it comes to tokens.
bool check_text(const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  bool good = true;
  for (std::size_t i = 0; i < source->lines.size() && good; ++i) {
    const std::string& line = source->lines[i];
    const auto report = [&](std::size_t column, const std::string& message, const std::string& note) {
      good = false;
      const SourceLocation place{source, static_cast<int>(i + 1), static_cast<int>(column + 1), 1};
      diagnostics.add({Code::syntax, message, place, "", note, ""});
    };
    const std::size_t indent = line.find_first_not_of(' ');
    const auto control = std::find_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20U && c != '\t') || static_cast<unsigned char>(c) == 0x7FU;
    });
    if (control != line.end()) {
      report(static_cast<std::size_t>(control - line.begin()), "a control character", "this is not a text file");
    } else if (const std::size_t bad = find_bad_utf8(line); bad != std::string::npos) {
      report(bad, "a byte that is not UTF-8", "save the file as UTF-8");
    } else if (indent != std::string::npos && line[indent] == '\t' &&
               line.find_first_not_of(" \t") != std::string::npos) {
      report(indent, "a tab in the indentation", "indent with spaces");
    }
  }
  return good;
}

Node parse(const std::string& text, int offset, const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  TreeBuilder builder(source, offset, diagnostics);
  Node broken;
  broken.kind = Kind::invalid;
  broken.place = {source, 1, 1 + offset, 1};
  if (!check_text(source, diagnostics)) return broken;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return broken;
  } catch (const YAML::Exception& error) {
    std::string note;
    if (text.find("${") != std::string::npos) note = "inside { } or [ ], put quotes around \"${...}\"";
    builder.report(Code::syntax, "not valid YAML: " + error.msg, builder.place(error.mark), note);
    return broken;
  }
  if (!builder.root.place.source) builder.root.place = broken.place;
  return std::move(builder.root);
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
}

std::string Node::describe() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::sequence:
      return items.empty() ? "an empty list" : "a list";
    case Kind::map:
      return "a map";
    case Kind::invalid:
      return "something unreadable";
    case Kind::scalar:
      break;
  }
  return quoted ? "the text \"" + text + "\"" : "'" + text + "'";
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Node parse_yaml(const std::string& text, const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  if (text.size() > largest_file) {
    Node broken;
    broken.kind = Kind::invalid;
    broken.place = {source, 0, 0, 1};
    diagnostics.add({Code::file, "larger than 1 MiB: not an experiment file", broken.place, "", "", ""});
    return broken;
  }
  Node root = parse(text, 0, source, diagnostics);
  if (root.kind == Kind::null) root.kind = Kind::map;
  if (root.kind != Kind::map && root.kind != Kind::invalid) {
    diagnostics.add(
        {Code::wrong_type, "the file must be a map of keys, not " + root.describe(), root.place, "", "", ""});
    root.kind = Kind::invalid;
  }
  return root;
}

Node parse_value(int column, const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  const std::string text = source->lines.at(0).substr(static_cast<std::size_t>(column - 1));
  return parse(text, column - 1, source, diagnostics);
}

}  // namespace scnn::config
