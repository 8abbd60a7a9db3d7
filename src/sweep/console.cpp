#include "sweep/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/clock.h"

namespace scnn {
namespace {

constexpr double sweep_bar_period = 0.5, sweep_line_period = 60.0;  // seconds

std::string status(const SweepProgress& progress, double now) {
  std::string text = fmt::format("{}/{} runs done", progress.done, progress.runs);
  if (progress.failed > 0) text += fmt::format(", {} failed", progress.failed);
  text += fmt::format("  ETA {}", clock_text(progress.left(now)));
  for (const SweepProgress::Running& one : progress.running) {
    text += fmt::format("  {} {}", one.run, clock_text(now - one.since));
  }
  return text;
}

}  // namespace

double SweepProgress::left(double now) const {
  if (mean_seconds <= 0) return -1;
  const std::size_t open = runs - std::min(runs, done + failed);
  double work = mean_seconds * static_cast<double>(open);
  for (const Running& one : running) work -= std::min(mean_seconds, now - one.since);
  return work / static_cast<double>(std::clamp<std::size_t>(open, 1, static_cast<std::size_t>(jobs)));
}

SweepConsole::SweepConsole(std::ostream* out, ConsoleOptions options) : out_(out), options_(std::move(options)) {
  if (!options_.clock) options_.clock = steady_seconds;
  if (!options_.columns) options_.columns = [] { return 80; };
  if (options_.progress == Progress::automatic) {
    options_.progress = options_.terminal ? Progress::bar : Progress::plain;
  }
  if (options_.verbosity < 0 || out == nullptr) options_.progress = Progress::none;
  last_ = options_.clock();
}

SweepConsole::~SweepConsole() {
  try {
    clear();
  } catch (const std::exception&) {
    drawn_ = false;  // a stream that throws has nothing left to tidy up
  }
}

void SweepConsole::clear() {
  if (drawn_) *out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

void SweepConsole::line(const std::string& text) {
  if (options_.progress == Progress::none) return;
  clear();
  *out_ << text << '\n' << std::flush;
}

void SweepConsole::show(const SweepProgress& progress) {
  const bool is_bar = options_.progress == Progress::bar;
  const double time = now();
  if (options_.progress == Progress::none || time - last_ < (is_bar ? sweep_bar_period : sweep_line_period)) return;
  last_ = time;
  const std::string text = status(progress, time);
  if (!is_bar) return line(text);
  const int columns = std::max(20, options_.columns());
  constexpr std::size_t width = 20;
  const std::size_t full = progress.runs == 0 ? width : width * progress.done / progress.runs;
  const std::string bar = fmt::format("[{}{}] {}", std::string(full, '#'), std::string(width - full, '-'), text);
  *out_ << '\r' << bar.substr(0, static_cast<std::size_t>(columns - 1)) << "\x1b[K" << std::flush;
  drawn_ = true;
}

}  // namespace scnn
