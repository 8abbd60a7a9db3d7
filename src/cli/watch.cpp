#include "run/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <iostream>

#include "cli/commands.h"

namespace scnn::cli {
namespace {

constexpr long period_ns = 250'000'000;  // between two looks at the files
constexpr int looks_a_line = 20;         // plain lines: every five seconds

/// All in one write, so that no half frame is ever seen.
void put(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(ErrorKind::run_folder, "cannot write to stdout");
    done += static_cast<std::size_t>(n);
  }
}

/// The terminal's second screen, without a cursor, until the object goes.
class Screen {
 public:
  Screen() { put("\x1b[?1049h\x1b[?25l"); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() { (void)!::write(STDOUT_FILENO, restore.data(), restore.size()); }

  static void show(const std::string& frame) {
    std::string out = "\x1b[H";
    for (const char c : frame) out += c == '\n' ? "\x1b[K\r\n" : std::string(1, c);
    put(out + "\x1b[J");
  }

 private:
  static constexpr std::string_view restore = "\x1b[?25h\x1b[?1049l";
};

FrameOptions frame_options(const Context& context) {
  struct winsize size = {};
  FrameOptions options;
  options.colour = context.colour(STDOUT_FILENO);
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    options.columns = size.ws_col;
    options.rows = size.ws_row;
  }
  return options;
}

/// Waits for the next look at the files, or until the window changes its size; the signal that ends the watch, or 0.
int wait(const sigset_t& signals) {
  const struct timespec period = {0, period_ns};
  const int signal = ::sigtimedwait(&signals, nullptr, &period);
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP ? signal : 0;
}

/// Follows the run to its end; the signal that ended the watch before, or 0.
int follow(const Context& context, RunWatch& run, bool screen, const sigset_t& signals) {
  std::optional<Screen> alternate;
  if (screen) alternate.emplace();
  std::size_t epochs = 0;
  std::int64_t resumed = -1;
  for (int look = 0;; ++look) {
    const RunView& view = run.refresh();
    if (view.ended()) return 0;
    if (screen) {
      Screen::show(watch_frame(view, frame_options(context)));
    } else if (!context.json && context.verbosity() >= 0 && context.progress != Progress::none) {
      const bool news = view.history.epochs.size() != epochs || view.info.resumed != resumed;
      if (news || look % looks_a_line == 0) put(watch_line(view) + "\n");
      epochs = view.history.epochs.size();
      resumed = view.info.resumed;
    }
    if (const int signal = wait(signals); signal != 0) return signal;
  }
}

int watch(const Context& context, const std::string& path) {
  // Waited for, never delivered: whatever happens, the terminal is put back.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  RunWatch run(find_run(path));
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && !context.json && context.verbosity() >= 0;
  const bool screen = context.progress == Progress::bar || (context.progress == Progress::automatic && terminal);
  const int signal = follow(context, run, screen && !context.json, signals);
  const RunView& view = run.refresh();
  if (context.json) {
    std::cout << watch_json(view);
  } else {
    put(screen ? watch_frame(view, frame_options(context)) : watch_line(view) + "\n");
  }
  if (view.abandoned && !context.json) {
    std::cerr << fmt::format("the run's process {} is gone; go on with: scnn resume {}\n", view.info.process,
                             view.path.string());
  }
  if (signal == 0) return 0;
  return static_cast<int>(signal == SIGINT ? ErrorKind::interrupted : ErrorKind::stopped);
}

}  // namespace

void add_watch(CLI::App& program, Context& context) {
  auto path = std::make_shared<std::string>("runs");
  CLI::App* command = program.add_subcommand("watch", "follow a run in the terminal until it ends");
  command->add_option("RUN", *path, "run folder, or a folder with runs, of which the newest; default runs")
      ->option_text(" ");
  command->footer(
      "Ctrl-C leaves (130); the run goes on.  Where stdout is no terminal: a line an epoch and every 5 seconds.");
  command->callback([&context, path] { context.action = [&context, path] { return watch(context, *path); }; });
}

}  // namespace scnn::cli
