#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "record/records.h"
#include "run/watch.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

constexpr std::size_t most_removals = 3;

/// Lines of at most so many characters; the codes of colours take no room.
class Lines {
 public:
  explicit Lines(const FrameOptions& options) : options_(options) {}

  void add(const std::string& text, const char* style = "") {
    const std::string shown = text.substr(0, static_cast<std::size_t>(std::max(1, options_.columns - 1)));
    out_ +=
        options_.colour && *style != 0 ? fmt::format("\x1b[{}m{}\x1b[0m\n", style, shown) : fmt::format("{}\n", shown);
    ++count_;
  }
  [[nodiscard]] int room() const { return options_.rows - count_ - 1; }
  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  const FrameOptions& options_;
  std::string out_;
  int count_ = 0;
};

std::string bar(double share, int width) {
  const double inside = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const auto full = static_cast<std::size_t>(std::lround(inside * width));
  return fmt::format("[{:#<{}}{:-<{}}]", "", full, "", static_cast<std::size_t>(width) - full);
}

std::string percent(double share) { return fmt::format("{:.2f}%", 100.0 * share); }

double mean_channel_bits(const LayerStatus& layer) {
  double sum = 0;
  for (const float bits : layer.bits) sum += bits;
  return layer.bits.empty() ? 0.0 : sum / static_cast<double>(layer.bits.size());
}

const char* state_name(const RunView& view) { return view.abandoned ? "cut off" : to_string(view.info.state); }

std::string progress_text(const RunView& view) {
  const std::int64_t total = view.info.total_steps;
  if (total <= 0) return fmt::format("step {}", grouped(view.steps()));
  std::string text =
      fmt::format("{:3.0f}%  step {} of {}", 100.0 * static_cast<double>(view.steps()) / static_cast<double>(total),
                  grouped(view.steps()), grouped(total));
  const auto left = view.seconds_left();
  if (left && !view.ended()) text += "  ETA " + clock_text(*left);
  return text;
}

/// The epoch at work, or the last one done.
std::string epoch_text(const RunView& view) {
  const auto& done = view.history.epochs;
  const std::int64_t epoch = view.step ? view.step->epoch + 1 : done.empty() ? 0 : done.back().epoch;
  return view.epochs > 0 ? fmt::format("epoch {} of {}", epoch, view.epochs) : fmt::format("epoch {}", epoch);
}

std::string figures_text(const RunView& view) {
  std::string text = epoch_text(view);
  if (view.step)
    text += fmt::format("  batch loss {:.3f}  {} images/s", view.step->loss,
                        grouped(std::llround(view.step->images_per_second)));
  if (view.history.epochs.empty()) return text;
  const EpochRecord& last = view.history.epochs.back();
  text += fmt::format("  loss {:.3f}", last.train_loss);
  if (last.evaluation) text += fmt::format("  {} top-1 {}", last.evaluation_split, percent(last.evaluation->top1));
  return text;
}

std::string size_text(const EpochRecord& epoch) {
  const SizeStatus& size = epoch.size;
  const double weights = static_cast<double>(std::max<std::int64_t>(1, size.original_weights));
  return fmt::format("size  {}  {:.2f} bits a weight  {}/{} channels  gamma {:.4g}",
                     bytes_text(static_cast<double>(size.packed_bits) / 8.0), size.learned_bits / weights,
                     size.live_channels, size.original_channels, epoch.gamma);
}

void add_layers(Lines& lines, const std::vector<LayerStatus>& layers, int columns, int room) {
  std::size_t width = 5;
  for (const LayerStatus& layer : layers) width = std::max(width, layer.layer.size());
  width = std::min<std::size_t>(width, 24);
  double most = 1;
  for (const LayerStatus& layer : layers) most = std::max(most, mean_channel_bits(layer));
  const int cells = std::clamp((columns - static_cast<int>(width) - 32) / 2, 4, 20);
  lines.add(fmt::format("{:<{}}  {:<{}}bits", "layer", width, "channels", cells + 15));
  const auto shown = static_cast<std::size_t>(std::max(0, room - 1));
  const std::size_t last = layers.size() <= shown ? layers.size() : shown > 0 ? shown - 1 : 0;
  for (std::size_t i = 0; i < last; ++i) {
    const LayerStatus& layer = layers[i];
    const double share = static_cast<double>(layer.channels.size()) / std::max(1, layer.original_channels);
    lines.add(fmt::format("{:<{}}  {} {:>5}/{:<5} {} {:5.2f}", layer.layer.substr(0, width), width, bar(share, cells),
                          layer.channels.size(), layer.original_channels, bar(mean_channel_bits(layer) / most, cells),
                          mean_channel_bits(layer)));
  }
  if (last < layers.size()) lines.add(fmt::format("... {} more layers", layers.size() - last));
}

}  // namespace

std::string watch_frame(const RunView& view, const FrameOptions& options) {
  Lines lines(options);
  lines.add(fmt::format("{}  {}  {}", view.info.name, state_name(view), view.path.string()), "1");
  const double total = static_cast<double>(view.info.total_steps);
  const std::string text = progress_text(view);
  const int width = std::min(30, options.columns - static_cast<int>(text.size()) - 5);
  const bool has_bar = total > 0 && width >= 8;
  lines.add(has_bar ? fmt::format("{} {}", bar(static_cast<double>(view.steps()) / total, width), text) : text, "36");
  lines.add(figures_text(view));
  const auto& history = view.history;
  if (history.epochs.empty()) {
    lines.add("no epoch is done yet");
  } else {
    lines.add(size_text(history.epochs.back()));
  }
  if (view.damaged_lines > 0) {
    lines.add(fmt::format("{} damaged lines in the records are passed over; a resume drops them", view.damaged_lines),
              "33");
  }
  if (!view.info.message.empty() && view.info.state != RunState::running) {
    lines.add(view.info.message.substr(0, view.info.message.find('\n')), "33");
  }
  const std::size_t removals = std::min(most_removals, history.removals.size());
  const int after = removals > 0 ? static_cast<int>(removals) + 1 : 0;
  if (!history.layers.empty() && lines.room() - after >= 4) {
    lines.add("");
    add_layers(lines, history.layers.back(), options.columns, lines.room() - after);
  }
  if (removals == 0 || lines.room() < after) return lines.str();
  lines.add("");
  for (std::size_t i = history.removals.size() - removals; i < history.removals.size(); ++i) {
    const RemovalRecord& r = history.removals[i];
    lines.add(fmt::format("removed {} channels of {} in epoch {}", r.channels, r.layer, r.epoch));
  }
  return lines.str();
}

std::string watch_line(const RunView& view) {
  std::string text = fmt::format("{}  {}  {}", state_name(view), progress_text(view), figures_text(view));
  if (!view.history.epochs.empty()) text += "  " + size_text(view.history.epochs.back());
  return text;
}

std::string watch_json(const RunView& view) {
  Json json = {{"run", view.path.string()},
               {"state", state_name(view)},
               {"message", view.info.message},
               {"step", view.steps()},
               {"total_steps", view.info.total_steps},
               {"epochs", view.epochs},
               {"last_epoch", view.history.epochs.empty() ? Json(nullptr) : to_json(view.history.epochs.back())},
               {"removals", view.history.removals.size()},
               {"damaged_lines", view.damaged_lines}};
  return dump(json, 2) + "\n";
}

}  // namespace scnn
