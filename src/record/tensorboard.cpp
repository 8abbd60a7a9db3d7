#include "record/tensorboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "record/event_file.h"
#include "scnn/core/error.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view prefix = "events.out.tfevents.";
constexpr double bits_bucket = 0.25;

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// The second in the name of the newest event file, 0 where there is none.
std::int64_t newest(const fs::path& folder) {
  std::int64_t out = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::int64_t second = 0;
    if (!name.starts_with(prefix)) continue;
    const char* const end = name.data() + name.size();
    if (std::from_chars(name.data() + prefix.size(), end, second).ec == std::errc()) out = std::max(out, second);
  }
  return out;
}

}  // namespace

TensorBoardSink::TensorBoardSink(fs::path folder, std::int64_t step_period, std::function<double()> clock)
    : folder_(std::move(folder)), step_period_(std::max<std::int64_t>(1, step_period)), clock_(std::move(clock)) {
  if (!clock_) clock_ = now;
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) {
    throw Error(ErrorKind::run_folder, fmt::format("cannot make {}: {}", folder_.string(), code.message()));
  }
}

void TensorBoardSink::on_start(std::int64_t first_step, std::int64_t /*total_steps*/) {
  const std::int64_t before = newest(folder_);
  // TensorBoard reads files in the order of their names, and an attempt may begin in the second of the one before.
  const std::int64_t second = std::max(static_cast<std::int64_t>(clock_()), before + 1);
  file_.emplace(folder_ / fmt::format("{}{:010}.scnn", prefix, second));
  EventMessage version(clock_(), 0);
  version.file_version();
  write(version);
  if (before == 0) return;
  EventMessage start(clock_(), first_step + 1);
  start.session_start();
  write(start);
}

void TensorBoardSink::on_step(const StepRecord& r) {
  if (r.step % step_period_ != 0) return;
  EventMessage event(clock_(), r.step);
  event.scalar("loss/batch", r.loss);
  event.scalar("time/images_per_second", r.images_per_second);
  write(event);
}

void TensorBoardSink::on_removal(const RemovalRecord& r) {
  EventMessage event(clock_(), r.step);
  event.scalar("removed_channels/" + r.layer, r.channels);
  write(event);
}

void TensorBoardSink::on_epoch(const EpochRecord& r, const std::vector<LayerStatus>& layers) {
  EventMessage event(clock_(), r.step);
  event.scalar("loss/train", r.train_loss);
  event.scalar("top1/train", r.train_top1);
  if (r.evaluation) {
    event.scalar("loss/" + r.evaluation_split, r.evaluation->loss);
    event.scalar("top1/" + r.evaluation_split, r.evaluation->top1);
  }
  event.scalar("loss/size", r.size_loss);
  event.scalar("train/gamma", r.gamma);
  event.scalar("train/lr", r.lr);
  event.scalar("size/learned_bits", r.size.learned_bits);
  event.scalar("size/packed_bits", static_cast<double>(r.size.packed_bits));
  event.scalar("size/live_weights", static_cast<double>(r.size.live_weights));
  event.scalar("size/live_channels", r.size.live_channels);
  event.scalar("size/macs", static_cast<double>(r.size.macs));
  event.scalar("time/train_seconds", r.train_seconds);
  event.scalar("time/eval_seconds", r.eval_seconds);
  event.scalar("time/removal_seconds", r.removal_seconds);
  event.scalar("time/wait_seconds", r.wait_seconds);
  event.scalar("time/efficiency", r.efficiency);
  for (const LayerStatus& layer : layers) {
    event.scalar("channels/" + layer.layer, static_cast<double>(layer.channels.size()));
    if (!layer.bits.empty()) event.histogram("bits/" + layer.layer, layer.bits, bits_bucket);
  }
  write(event);
}

void TensorBoardSink::write(const EventMessage& event) {
  if (file_) file_->bytes(tf_record(event.str()));
}

}  // namespace scnn
