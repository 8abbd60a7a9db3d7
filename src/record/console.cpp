#include "scnn/record/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "core/clock.h"

namespace scnn {
namespace {

constexpr double bar_period = 0.1, plain_period = 5.0;  // seconds

double ratio(double a, std::int64_t b) { return b > 0 ? a / static_cast<double>(b) : 0.0; }

std::string size_text(const SizeStatus& size) {
  if (size.original_weights == 0) return "";
  return fmt::format("  {:.2f} bits  {}  {}/{} channels", ratio(size.learned_bits, size.original_weights),
                     bytes_text(static_cast<double>(size.packed_bits) / 8.0), size.live_channels,
                     size.original_channels);
}

}  // namespace

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto s = static_cast<std::int64_t>(std::llround(seconds));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string ms_text(double ms) { return fmt::format("{:.3f}", ms); }

std::string bytes_text(double bytes) {
  if (bytes < 1024.0) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1024.0 * 1024.0) return fmt::format("{:.1f} KiB", bytes / 1024.0);
  return fmt::format("{:.1f} MiB", bytes / (1024.0 * 1024.0));
}

std::string grouped(std::int64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

Console::Console(std::ostream& out, ConsoleOptions options) : out_(out), options_(std::move(options)) {
  if (!options_.clock) options_.clock = steady_seconds;
  if (!options_.columns) options_.columns = [] { return 80; };
  if (options_.progress == Progress::automatic) {
    options_.progress = options_.terminal ? Progress::bar : Progress::plain;
  }
  if (options_.verbosity < 0) options_.progress = Progress::none;
}

Console::~Console() {
  try {
    clear();
  } catch (const std::exception&) {
    // A stream that throws has nothing left to tidy up.
    drawn_ = false;
  }
}

void Console::on_start(std::int64_t first_step, std::int64_t total_steps) {
  first_step_ = first_step;
  total_steps_ = total_steps;
  started_ = last_ = previous_ = options_.clock();
  if (first_step > 0) line(fmt::format("going on at step {} of {}", grouped(first_step), grouped(total_steps)));
}

void Console::on_step(const StepRecord& record) {
  if (options_.progress == Progress::none) return;
  const double now = options_.clock();
  // Weights of an exponential average over about 50 steps, of a plain mean before that.
  const double share = 1.0 / static_cast<double>(std::clamp<std::int64_t>(record.step - first_step_, 1, 50));
  step_seconds_ += share * (now - previous_ - step_seconds_);
  rate_ += share * (record.images_per_second - rate_);
  previous_ = now;
  const bool is_bar = options_.progress == Progress::bar;
  if (now - last_ < (is_bar ? bar_period : plain_period)) return;
  last_ = now;
  if (is_bar) {
    out_ << '\r' << bar(record) << "\x1b[K" << std::flush;
    drawn_ = true;
  } else {
    line(status(record));
  }
}

std::string Console::status(const StepRecord& record) const {
  const double left = step_seconds_ * static_cast<double>(std::max<std::int64_t>(0, total_steps_ - record.step));
  return fmt::format("epoch {}/{}  {:3.0f}%  ETA {}  {} images/s  loss {:.3f}{}", record.epoch + 1, options_.epochs,
                     100.0 * ratio(static_cast<double>(record.step), total_steps_), clock_text(left),
                     grouped(std::llround(rate_)), record.loss, size_text(size_));
}

std::string Console::bar(const StepRecord& record) const {
  const std::string text = status(record);
  const int columns = std::max(20, options_.columns());
  const int room = columns - 1 - static_cast<int>(text.size()) - 3;
  if (room < 8) return text.substr(0, static_cast<std::size_t>(columns - 1));
  const int width = std::min(room, 30);
  const int full =
      static_cast<int>(std::clamp(ratio(static_cast<double>(record.step), total_steps_), 0.0, 1.0) * width);
  const std::string on(static_cast<std::size_t>(full), '#'), off(static_cast<std::size_t>(width - full), '-');
  return options_.colour ? fmt::format("\x1b[36m[{}\x1b[2m{}\x1b[22m]\x1b[0m {}", on, off, text)
                         : fmt::format("[{}{}] {}", on, off, text);
}

void Console::on_removal(const RemovalRecord& record) { removed_ += record.channels; }

void Console::on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& /*layers*/) {
  size_ = record.size;
  const std::int64_t removed = removed_;
  removed_ = 0;
  if (options_.verbosity < 0) return;
  std::string text =
      fmt::format("epoch {:>{}}/{}  {:.1f} s  loss {:.3f}", record.epoch, std::to_string(options_.epochs).size(),
                  options_.epochs, record.train_seconds, record.train_loss);
  if (record.evaluation) {
    const std::string top1 = fmt::format("{:.2f}%", 100.0 * record.evaluation->top1);
    text +=
        fmt::format("  {} top-1 {}", record.evaluation_split, options_.colour ? "\x1b[1m" + top1 + "\x1b[0m" : top1);
  }
  text += size_text(record.size);
  if (removed > 0) text += fmt::format("  -{}", removed);
  line(text);
}

void Console::on_checkpoint(const std::string& path) {
  if (options_.verbosity > 0) line("saved " + path);
}

void Console::line(const std::string& text) {
  clear();
  out_ << text << '\n' << std::flush;
}

void Console::clear() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace scnn
