#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "record/recorder.h"
#include "record/run_folder.h"

namespace scnn {

/// A run as its files show it at one moment.
struct RunView {
  std::filesystem::path path;
  RunInfo info;
  bool abandoned = false;                   ///< says it runs, but its process is gone
  std::int64_t epochs = 0, batch_size = 0;  ///< of config.yaml; 0: unknown
  RunHistory history;                       ///< layers of the last epoch alone
  std::optional<StepRecord> step;           ///< the newest, where it is newer than the last epoch
  std::int64_t damaged_lines = 0;

  [[nodiscard]] bool ended() const { return info.state != RunState::running || abandoned; }
  /// Steps done.
  [[nodiscard]] std::int64_t steps() const;
  /// Seconds to the end of training, by the time of the last epoch or of the last step; nothing where unknown.
  [[nodiscard]] std::optional<double> seconds_left() const;
};

/// Follows the files of a run.  A file that is cut back or replaced, as a resumed run does, is read again.
class RunWatch {
 public:
  /// Error as RunFolder::open.
  explicit RunWatch(const std::filesystem::path& run);
  ~RunWatch();

  /// Reads what is new.  Error as RunFolder::open; damaged lines of records are counted and passed over.
  const RunView& refresh();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `path` where it is a run, else the run below it whose run.json is newest.  Error(usage) where there is none.
[[nodiscard]] std::filesystem::path find_run(const std::filesystem::path& path);

struct FrameOptions {
  int columns = 80, rows = 24;
  bool colour = false;
};
/// The view as lines that fit a terminal of that size, each ended by a newline.
[[nodiscard]] std::string watch_frame(const RunView& view, const FrameOptions& options);
/// How a run stands, in one line.
[[nodiscard]] std::string watch_line(const RunView& view);
/// One JSON object.
[[nodiscard]] std::string watch_json(const RunView& view);

}  // namespace scnn
