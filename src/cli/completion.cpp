#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/grammar.h"
#include "settings/settings.h"

namespace scnn::cli {
namespace {

/// In single quotes of any shell; without the characters that the three quote differently.
std::string quoted(std::string text) {
  for (char& c : text) {
    if (c == '\'' || c == '\\' || c == '\n') c = ' ';
  }
  return "'" + text + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

/// Settings that key=value can name: no items of lists, no keys of layer types.
std::vector<Setting> settable() {
  std::vector<Setting> out;
  std::vector<std::string> layers;
  for (const Component& layer : list_components("layers")) layers.push_back(layer.name + ".");
  for (Setting& setting : describe_settings()) {
    const bool of_layer = std::any_of(layers.begin(), layers.end(),
                                      [&](const std::string& layer) { return setting.key.starts_with(layer); });
    if (setting.key.find("[]") == std::string::npos && setting.key != "extends" && !of_layer) {
      out.push_back(std::move(setting));
    }
  }
  return out;
}

/// Values worth offering behind `key=`.
std::vector<std::string> values_of(const Setting& setting) {
  std::vector<std::string> out;
  for (const SettingChoice& choice : setting.choices) out.push_back(choice.name);
  if (setting.type == "true or false") out = {"true", "false"};
  return setting.type.starts_with("list") ? std::vector<std::string>{} : out;
}

/// What `scnn explain` knows.
std::vector<std::string> explained() {
  std::vector<std::string> out;
  for (const Setting& setting : settable()) out.push_back(setting.key);
  for (const std::string& kind : component_kinds()) {
    for (const Component& component : list_components(kind)) out.push_back(component.name);
  }
  return out;
}

/// The kind of an argument in the scripts: words W, or one of yaml, dir, setting, key, file, none.
std::string kind_of(const Argument& argument) {
  const std::string& value = argument.value;
  if (!argument.words().empty()) return "words:" + joined(argument.words());
  if (value == "YAML" || value == "DIR" || value == "SETTING" || value == "KEY") {
    return CLI::detail::to_lower(value);
  }
  return value == "N" || value == "NAME" || value == "TIME" || value == "i/n" || value == "CHECK" || value == "LAYER"
             ? "none"
             : "file";
}

/// Lines of three `case` tables, by the path of the command ("data fetch"): its options; the kinds of its positional
/// arguments, "a;b*" where b repeats; by path and option, the kind of the option's value.
struct Tables {
  std::string options, positionals, values;
};

void fill(const Command& command, const std::string& path, const std::string& global, Tables& tables) {
  std::string options;
  for (const Argument& option : command.options) {
    if (path.empty() || option.names.back() != "--help") options += joined(option.names) + " ";
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(path.empty() ? "*" + quoted(" " + name) : quoted(path + " " + name));
    }
    tables.values += fmt::format("    {}) echo {} ;;\n", joined(patterns, "|"), quoted(kind_of(option)));
  }
  const std::string label = path.empty() ? "''" : "'" + path + "'";
  tables.options += fmt::format("    {}) echo {} ;;\n", label, quoted(path.empty() ? options : options + global));
  std::string kinds;
  if (!command.commands.empty()) kinds = "words:" + joined(names_of(command.commands));
  for (const Argument& positional : command.positionals) {
    kinds += (kinds.empty() ? "" : ";") + kind_of(positional) + (positional.many ? "*" : "");
  }
  tables.positionals += fmt::format("    {}) echo {} ;;\n", label, quoted(kinds));
  for (const Command& inner : command.commands) {
    fill(inner, path.empty() ? inner.name : path + " " + inner.name, global, tables);
  }
}

/// The functions that bash and zsh share: what may stand at a place, as words or as a kind.
std::string posix_tables(const Command& program) {
  std::string global;
  for (const Argument& option : program.options) global += joined(option.names) + " ";
  Tables tables;
  fill(program, "", global, tables);
  std::vector<std::string> keys;
  std::string values;
  for (const Setting& setting : settable()) {
    keys.push_back(setting.key);
    const std::vector<std::string> known = values_of(setting);
    if (!known.empty()) values += fmt::format("    {}) echo {} ;;\n", setting.key, quoted(joined(known)));
  }
  std::vector<std::string> commands;
  for (const Command& command : program.commands) {
    if (!command.commands.empty()) commands.push_back(command.name);
  }
  return fmt::format(R"sh(
_scnn_keys={}
_scnn_explained={}
_scnn_groups={}
_scnn_options() {{
  case "$1" in
{}  esac
}}
_scnn_positionals() {{
  case "$1" in
{}  esac
}}
_scnn_option_value() {{  # "VERB --option": the kind of its value
  case "$1" in
{}  esac
}}
_scnn_setting_values() {{
  case "$1" in
{}  esac
}}
# What may stand behind the words given: sets `command` and `kind`.
_scnn_place() {{
  local word previous='' seen=0 kinds
  command='' kind=''
  for word in "$@"; do
    if [ -n "$previous" ]; then previous=''; continue; fi  # the value of an option
    case "$word" in
      -*=*) ;;
      -*) [ -n "$(_scnn_option_value "$command $word")" ] && previous="$word" ;;
      *)
        if [ -z "$command" ]; then command="$word"
        elif [ "$seen" = 0 ] && case " $_scnn_groups " in *" $command "*) true ;; *) false ;; esac; then command="$command $word"
        else seen=$((seen + 1)); fi ;;
    esac
  done
  if [ -n "$previous" ]; then kind="$(_scnn_option_value "$command $previous")"; return; fi
  kinds="$(_scnn_positionals "$command")"
  while [ "$seen" -gt 0 ] && [ -n "$kinds" ]; do
    case "$kinds" in
      *';'*) case "${{kinds%%;*}}" in *'*') break ;; esac; kinds="${{kinds#*;}}" ;;
      *'*') break ;;
      *) kinds='' ;;
    esac
    seen=$((seen - 1))
  done
  kind="${{kinds%%;*}}"
  kind="${{kind%\*}}"
}}
)sh",
                     quoted(joined(keys)), quoted(joined(explained())), quoted(joined(commands)), tables.options,
                     tables.positionals, tables.values, values);
}

constexpr const char* bash_part = R"sh(
_scnn() {
  local line="${COMP_LINE:0:COMP_POINT}" cur command kind key prefix=''
  local -a words
  read -r -a words <<<"$line"
  case "$line" in *[[:space:]]) cur='' ;; *) cur="${words[${#words[@]} - 1]}"; unset "words[${#words[@]}-1]" ;; esac
  COMPREPLY=()
  _scnn_place "${words[@]:1}"
  case "$cur" in
    --*=*) kind="$(_scnn_option_value "$command ${cur%%=*}")"; key="${cur%%=*}"; cur="${cur#*=}" ;;
    -*) COMPREPLY=($(compgen -W "$(_scnn_options "$command")" -- "$cur")); return ;;
    *=*) [ "$kind" = setting ] || return
         key="${cur%%=*}"; cur="${cur#*=}"; kind="words:$(_scnn_setting_values "$key")" ;;
  esac
  # Where bash breaks words at '=', it replaces what stands behind it only.
  case "$COMP_WORDBREAKS" in *=*) ;; *) [ -n "$key" ] && prefix="$key=" ;; esac
  case "$kind" in
    words:*) COMPREPLY=($(compgen -P "$prefix" -W "${kind#words:}" -- "$cur")) ;;
    setting) compopt -o nospace 2>/dev/null
             COMPREPLY=($(compgen -S = -W "$_scnn_keys" -- "$cur")) ;;
    key) COMPREPLY=($(compgen -W "$_scnn_explained" -- "$cur")) ;;
    yaml) compopt -o filenames 2>/dev/null
          COMPREPLY=($(compgen -P "$prefix" -d -- "$cur") $(compgen -P "$prefix" -f -X '!*.yaml' -- "$cur") $(compgen -P "$prefix" -f -X '!*.yml' -- "$cur")) ;;
    dir) compopt -o filenames 2>/dev/null
         COMPREPLY=($(compgen -P "$prefix" -d -- "$cur")) ;;
    file) compopt -o filenames 2>/dev/null
          COMPREPLY=($(compgen -P "$prefix" -f -- "$cur")) ;;
  esac
}
complete -F _scnn scnn
)sh";

constexpr const char* zsh_part = R"sh(
_scnn() {
  local command kind
  _scnn_place "${(@)words[2,CURRENT-1]}"
  case "$PREFIX" in
    --*=*) kind="$(_scnn_option_value "$command ${PREFIX%%=*}")"; compset -P '*=' ;;
    -*) compadd -- ${=$(_scnn_options "$command")}; return ;;
    *=*) [[ "$kind" == setting ]] || return 1
         kind="words:$(_scnn_setting_values "${PREFIX%%=*}")"; compset -P '*=' ;;
  esac
  case "$kind" in
    words:*) compadd -- ${=kind#words:} ;;
    setting) compadd -S = -- ${=_scnn_keys} ;;
    key) compadd -- ${=_scnn_explained} ;;
    yaml) _files -g '*.(yaml|yml)' ;;
    dir) _files -/ ;;
    file) _files ;;
  esac
}
if [[ "${zsh_eval_context[-1]}" == loadautofunc ]]; then _scnn "$@"; else compdef _scnn scnn; fi
)sh";

/// Options and arguments of one command as fish's `complete` lines.
void fish_lines(const Command& command, const std::string& condition, std::string& out) {
  for (const Argument& option : command.options) {
    std::string line = "complete -c scnn" + condition;
    for (const std::string& name : option.names) {
      line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (!option.value.empty()) {
      const std::string kind = kind_of(option);
      line += kind == "file" || kind == "yaml" ? " -rF" : " -x";
      if (kind.starts_with("words:")) line += " -a " + quoted(kind.substr(6));
      if (kind == "dir") line += " -a '(__fish_complete_directories)'";
    }
    out += line + " -d " + quoted(option.doc) + "\n";
  }
  for (const Argument& positional : command.positionals) {
    const std::string kind = kind_of(positional);
    std::string words;
    if (kind.starts_with("words:")) words = quoted(kind.substr(6));
    if (kind == "key") words = quoted(joined(explained()));
    if (kind == "setting") words = "'(_scnn_settings)'";
    if (kind == "yaml") words = "'(__fish_complete_suffix .yaml)'";
    if (kind == "file") {
      out += "complete -c scnn" + condition + " -F\n";
    } else if (!words.empty()) {
      out += "complete -c scnn" + condition + " -a " + words + "\n";
    }
  }
}

std::string fish_script(const Command& program) {
  std::string settings, out;
  for (const Setting& setting : settable()) {
    settings += fmt::format("  printf '%s=\\t%s\\n' {} {}\n", setting.key, quoted(setting.doc));
    for (const std::string& value : values_of(setting)) settings += fmt::format("  echo {}={}\n", setting.key, value);
  }
  out += "function _scnn_settings\n" + settings + "end\ncomplete -c scnn -f\n";
  fish_lines({"", "", program.options, {}, {}}, "", out);
  for (const Command& command : program.commands) {
    out += fmt::format("complete -c scnn -n __fish_use_subcommand -a {} -d {}\n", command.name, quoted(command.doc));
    const std::string here = "__fish_seen_subcommand_from " + command.name;
    fish_lines(command, " -n '" + here + "'", out);
    for (const Command& inner : command.commands) {
      out += fmt::format("complete -c scnn -n '{}; and not __fish_seen_subcommand_from {}' -a {} -d {}\n", here,
                         joined(names_of(command.commands)), inner.name, quoted(inner.doc));
      fish_lines(inner, fmt::format(" -n '{}; and __fish_seen_subcommand_from {}'", here, inner.name), out);
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const Command& program, const std::string& shell) {
  if (shell == "fish") return "# Completion of scnn for fish; made by: scnn completion fish\n" + fish_script(program);
  const bool zsh = shell == "zsh";
  return fmt::format("{}# Completion of scnn for {}; made by: scnn completion {}\n", zsh ? "#compdef scnn\n" : "",
                     shell, shell) +
         posix_tables(program) + (zsh ? zsh_part : bash_part);
}

void add_completion(CLI::App& program, Context& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand(
      "completion", "print a script with which a shell completes commands, options and settings");
  one_of(command->add_option("SHELL", *shell, "bash, zsh or fish"), {"bash", "zsh", "fish"})
      ->required()
      ->option_text(" ");
  command->footer(
      "bash: source <(scnn completion bash)\nzsh:  source <(scnn completion zsh)\n"
      "fish: scnn completion fish | source\nAn installed program has them in place.");
  command->callback([&program, &context, shell] {
    context.action = [&program, &context, shell] {
      const std::string script = completion_script(command_of(program), *shell);
      if (context.json) {
        std::cout << nlohmann::ordered_json{{"shell", *shell}, {"script", script}}.dump(2) << '\n';
      } else {
        std::cout << script;
      }
      return 0;
    };
  });
}

}  // namespace scnn::cli
