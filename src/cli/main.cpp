#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "config/diagnostics.h"
#include "core/escape.h"
#include "record/log.h"
#include "scnn/core/version.h"

namespace scnn::cli {

std::ostream& Context::screen() const { return json ? std::cerr : std::cout; }

bool Context::colour(int descriptor) const {
  // https://no-color.org: any value but the empty one.
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color || (refused != nullptr && *refused != '\0')) return false;
  return ::isatty(descriptor) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

ConsoleOptions Context::console() const {
  const int descriptor = json ? STDERR_FILENO : STDOUT_FILENO;
  ConsoleOptions options;
  options.progress = progress;
  options.terminal = ::isatty(descriptor) == 1;
  options.colour = colour(descriptor);
  options.verbosity = verbosity();
  options.columns = [descriptor] {
    struct winsize size = {};
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? static_cast<int>(size.ws_col) : 80;
  };
  return options;
}

std::string shell_words(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-+=./,:@%") == std::string::npos;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += (line.empty() ? "" : " ") + (plain ? word : quoted + "'");
  }
  return line;
}

}  // namespace scnn::cli

namespace {

using scnn::cli::Context;

/// A closed stdin, stdout or stderr stays unusable: otherwise the next file opened takes its number, and what is
/// printed goes into that file.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO;) {
    if (::fcntl(fd, F_GETFD) < 0) fd = ::open("/dev/null", O_RDONLY);
    if (fd++ < 0) return;
  }
}

void print_error(const Context& context, const std::string& message) {
  const bool colour = context.colour(2);
  // The experiment reader's messages are whole listings that begin with "error[...]" themselves.
  const bool listing = message.rfind("error[", 0) == 0;
  std::cerr << (listing  ? ""
                : colour ? "\x1b[31merror:\x1b[0m "
                         : "error: ")
            << scnn::escape_control_characters(message);
  if (message.empty() || message.back() != '\n') std::cerr << '\n';
}

int report_bug(const Context& context, const std::exception& error) {
  print_error(context, fmt::format("{}\nthis is a bug of scnn: please report it with the command", error.what()));
  return static_cast<int>(scnn::ErrorKind::bug);
}

int run_verb(const Context& context) {
  try {
    const int code = context.action();
    std::cout.flush();
    if (!std::cout) {
      print_error(context, "cannot write to stdout");
      return static_cast<int>(scnn::ErrorKind::run_folder);
    }
    return code;
  } catch (const scnn::Error& error) {
    print_error(context, error.what());
    if (error.kind() == scnn::ErrorKind::bug) std::cerr << "this is a bug of scnn: please report it with the command\n";
    return error.exit_code();
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(context, fmt::format("cannot use {}: {}; check the path and its permissions", error.path1().string(),
                                     error.code().message()));
    const bool writing =
        error.code() == std::errc::no_space_on_device || error.code() == std::errc::read_only_file_system;
    return static_cast<int>(writing ? scnn::ErrorKind::run_folder : scnn::ErrorKind::usage);
  } catch (const std::bad_alloc&) {
    print_error(context, "out of memory; lower train.batch_size or close other programs");
    return static_cast<int>(scnn::ErrorKind::memory);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) return report_bug(context, error);
    print_error(context, "cannot start a thread: no memory or no process left (ulimit -u, ulimit -v)");
    return static_cast<int>(scnn::ErrorKind::memory);
  } catch (const std::exception& error) {
    return report_bug(context, error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  (void)std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of the write, like a full disk
  Context context;
  context.command = scnn::cli::shell_words({argv, argv + argc});
  CLI::App program("scnn trains networks that compress themselves while they train.", "scnn");
  program.require_subcommand(1);
  program.fallthrough();
  program.set_version_flag("--version", std::string("scnn ") + scnn::program_version());
  auto* quiet = program.add_flag("-q,--quiet", context.quiet, "errors and results only");
  program.add_flag("-v,--verbose", context.verbose, "more messages")->excludes(quiet);
  program.add_flag("--json", context.json, "exactly one JSON object on stdout, everything else on stderr");
  program.add_flag("--no-color", context.no_color, "no colours");
  const std::map<std::string, scnn::Progress> kinds = {{"auto", scnn::Progress::automatic},
                                                       {"bar", scnn::Progress::bar},
                                                       {"plain", scnn::Progress::plain},
                                                       {"none", scnn::Progress::none}};
  program.add_option("--progress", context.progress, "auto, bar, plain or none")
      ->transform(CLI::CheckedTransformer(kinds).description(""))
      ->type_name("auto|bar|plain|none");
  std::string codes = "Exit codes:";
  for (const scnn::cli::ExitCode& code : scnn::cli::exit_codes()) {
    codes += fmt::format("\n  {:>3}  {}", code.code, code.meaning);
  }
  program.footer(codes);
  for (const auto add :
       {scnn::cli::add_run,    scnn::cli::add_resume,  scnn::cli::add_watch,      scnn::cli::add_sweep,
        scnn::cli::add_eval,   scnn::cli::add_export,  scnn::cli::add_predict,    scnn::cli::add_inspect,
        scnn::cli::add_report, scnn::cli::add_compare, scnn::cli::add_init,       scnn::cli::add_validate,
        scnn::cli::add_list,   scnn::cli::add_explain, scnn::cli::add_data,       scnn::cli::add_profile,
        scnn::cli::add_bench,  scnn::cli::add_doctor,  scnn::cli::add_completion, scnn::cli::add_man,
        scnn::cli::add_version}) {
    add(program, context);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 says that a subcommand is required, not that this is none.
    const std::string_view word = argc > 1 ? argv[1] : "-";
    if (!word.starts_with('-') && program.get_subcommands().empty() && error.get_exit_code() != 0) {
      std::vector<std::string> commands;
      for (const CLI::App* command : program.get_subcommands(nullptr)) commands.push_back(command->get_name());
      const std::string_view near = scnn::config::nearest(word, commands);
      print_error(context, fmt::format("there is no command '{}'{}; scnn --help lists them",
                                       scnn::escape_control_characters(std::string(word)),
                                       near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
      return static_cast<int>(scnn::ErrorKind::usage);
    }
    const int code = program.exit(error);
    return code == 0 ? 0 : static_cast<int>(scnn::ErrorKind::usage);
  }
  scnn::set_up_log(context.verbosity(), context.colour(2));
  return run_verb(context);
}
