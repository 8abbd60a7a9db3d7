#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/grammar.h"
#include "scnn/core/version.h"
#include "settings/settings.h"

namespace scnn::cli {
namespace {

/// Text for troff: backslashes, hyphens that can be copied, and no line that begins with a control character.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool line_begins = out.empty() || out.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '~' || c == '^' || c == '`') {
      out += c == '~' ? "\\(ti" : c == '^' ? "\\(ha" : "\\(ga";
    } else {
      out += c;
    }
  }
  return out;
}

/// Lines of text of at most 80 characters, as troff's style asks for; its requests stay whole.
std::string wrapped(const std::string& page) {
  std::string out;
  std::size_t line = 0;  // where the present line begins in `out`
  for (const char c : page) {
    out += c;
    if (c == '\n') line = out.size();
    if (out.size() - line <= 80 || out[line] == '.') continue;
    const std::size_t space = out.rfind(' ');
    // A line must not begin with what troff takes for a request.
    if (space == std::string::npos || space <= line ||
        (space + 1 < out.size() && (out[space + 1] == '.' || out[space + 1] == '\'')))
      continue;
    out[space] = '\n';
    line = space + 1;
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string paragraph(const std::string& head, const std::string& text) { return ".TP\n" + head + "\n" + text + "\n"; }

std::string synopsis(const Command& command) {
  std::string out;
  for (const Argument& positional : command.positionals) {
    std::string name = italic(positional.names.front()) + (positional.many ? " ..." : "");
    out += " " + (positional.required ? name : "[" + name + "]");
  }
  return out;
}

std::string option_paragraph(const Argument& option) {
  std::string head;
  for (const std::string& name : option.names) head += (head.empty() ? "" : ", ") + bold(name);
  return paragraph(head + (option.value.empty() ? "" : " " + italic(option.value)), roff(option.doc));
}

std::string command_text(const Command& command, const std::string& name) {
  if (!command.commands.empty()) {
    std::string out;
    for (const Command& inner : command.commands) out += command_text(inner, name + " " + inner.name);
    return out;
  }
  std::string out =
      fmt::format(".SS {}\n{}{}\n.PP\n{}.\n", roff(name), bold("scnn " + name), synopsis(command), roff(command.doc));
  for (const Argument& positional : command.positionals) {
    out += paragraph(italic(positional.names.front()), roff(positional.doc));
  }
  for (const Argument& option : command.options) {
    if (option.names.back() != "--help") out += option_paragraph(option);
  }
  return out;
}

std::string setting_text(const Setting& setting) {
  std::string kind = setting.type;
  if (!setting.range.empty()) kind += ", " + setting.range;
  if (!setting.unit.empty()) kind += ", in " + setting.unit;
  kind += setting.default_value.empty() ? ", required" : ", default " + setting.default_value;
  std::string out = paragraph(bold(setting.key) + " (" + roff(kind) + ")", roff(setting.doc) + ".");
  for (const SettingChoice& choice : setting.choices) {
    out += ".br\n" + bold(choice.name) + (choice.doc.empty() ? "" : ": " + roff(choice.doc)) + "\n";
  }
  return out;
}

}  // namespace

std::string manual_page(const Command& program) {
  std::string out = fmt::format(".TH SCNN 1 \"\" \"scnn {}\" \"User Commands\"\n", program_version());
  out += ".SH NAME\nscnn \\- networks that compress themselves while they train\n";
  out += ".SH SYNOPSIS\n" + bold("scnn") + " " + italic("COMMAND") + " [" + italic("OPTION") + " ...] [" +
         italic("ARGUMENT") + " ...]\n";
  out += ".SH DESCRIPTION\n" + roff(program.doc) + "\nOne YAML file describes an experiment; " + bold("scnn run") +
         " " + italic("FILE") + " makes a folder of it\nwith the small network, its accuracy and a report.\n";
  out += ".SH COMMANDS\n";
  for (const Command& command : program.commands) out += command_text(command, command.name);
  out += ".SH OPTIONS OF ALL COMMANDS\n";
  for (const Argument& option : program.options) out += option_paragraph(option);
  out += ".SH SETTINGS\nKeys of an experiment file, in the form that " + italic("key=value") +
         " takes; a key with the name of a layer type in front belongs to layers of that type.\n";
  for (const Setting& setting : describe_settings()) out += setting_text(setting);
  out += ".SH ENVIRONMENT\n" + paragraph(bold("SCNN_DATA"), "Folder with the data sets.") +
         paragraph(bold("NO_COLOR"), "Any value but the empty one: no colours.");
  out += ".SH EXIT STATUS\n";
  for (const ExitCode& code : exit_codes()) out += paragraph(bold(std::to_string(code.code)), roff(code.meaning));
  out += ".SH SEE ALSO\nA. Cs\\('efalvay and J. Imber, Self\\-Compressing Neural Networks, arXiv 2301.13142\n";
  return wrapped(out);
}

void add_man(CLI::App& program, Context& context) {
  CLI::App* command = program.add_subcommand("man", "print the manual page; read it with: scnn man | man -l -");
  command->callback([&program, &context] {
    context.action = [&program, &context] {
      const std::string page = manual_page(command_of(program));
      if (context.json) {
        std::cout << nlohmann::ordered_json{{"man", page}}.dump(2) << '\n';
      } else {
        std::cout << page;
      }
      return 0;
    };
  });
}

}  // namespace scnn::cli
