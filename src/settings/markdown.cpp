// docs/settings.md, from the table of settings.
#include <fmt/format.h>

#include <algorithm>

#include "settings/settings.h"

namespace scnn {
namespace {

/// Text for a table's cell.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

/// "compression", or of a layer's key its type, "conv2d".
std::string section_of(const Setting& setting) {
  const std::size_t dot = setting.key.find('.');
  return dot == std::string::npos ? "the file itself" : setting.key.substr(0, dot);
}

std::string value_of(const Setting& setting) {
  std::string out = setting.type;
  if (!setting.range.empty()) out += " " + setting.range;
  if (!setting.unit.empty()) out += ", " + setting.unit;
  return out;
}

std::string row(const Setting& setting) {
  std::string meaning = setting.doc;
  if (!setting.only_for.empty()) meaning += ".  Only for: " + joined(setting.only_for);
  const std::string given = setting.default_value.empty() ? "" : "`" + cell(setting.default_value) + "`";
  return fmt::format("| `{}` | {} | {} | {} |\n", cell(setting.key), cell(value_of(setting)), given, cell(meaning));
}

}  // namespace

std::string settings_markdown() {
  std::string out =
      "# Every setting\n\n"
      "`scnn explain --markdown` writes this page from the table of settings in `src/settings`.  `scnn explain KEY` "
      "prints one setting.\n"
      "An empty default means that the key must be given, or that it is a section or absent.  `[]` stands for the "
      "items of a list.\n";
  std::string section;
  std::string choices;
  const auto close = [&] {
    out += choices;
    choices.clear();
  };
  for (const Setting& setting : describe_settings()) {
    if (const std::string now = section_of(setting); now != section) {
      close();
      section = now;
      out += fmt::format("\n## {}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", section);
    }
    out += row(setting);
    if (setting.choices.empty()) continue;
    choices += fmt::format("\n`{}` is one of:\n\n", setting.key);
    for (const SettingChoice& choice : setting.choices) {
      choices += "- `" + choice.name + "`" + (choice.doc.empty() ? "" : ": " + choice.doc) + "\n";
    }
  }
  close();
  return out;
}

}  // namespace scnn
