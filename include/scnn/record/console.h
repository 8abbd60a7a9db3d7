#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "scnn/train/observer.h"

namespace scnn {

enum class Progress { automatic, bar, plain, none };

struct ConsoleOptions {
  Progress progress = Progress::automatic;  ///< automatic: a bar on a terminal, else plain lines
  bool terminal = false;                    ///< whether the stream is one
  bool colour = false;
  int verbosity = 0;              ///< below 0: no epoch lines, no progress; above 0: checkpoints too
  std::int64_t epochs = 0;        ///< of the whole run
  std::function<double()> clock;  ///< seconds; empty: a steady clock
  std::function<int()> columns;   ///< width of the terminal; empty: 80
};

/// Training as a person sees it: a line for every epoch, and in between a bar (redrawn at most ten times a second) or a
/// plain line every five seconds.
class Console : public TrainObserver {
 public:
  Console(std::ostream& out, ConsoleOptions options);
  /// Takes the bar away.
  ~Console() override;

  void on_start(std::int64_t first_step, std::int64_t total_steps) override;
  void on_step(const StepRecord& record) override;
  void on_removal(const RemovalRecord& record) override;
  void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override;
  void on_checkpoint(const std::string& path) override;

  /// Prints a line above the bar, whatever the verbosity.
  void line(const std::string& text);
  /// Takes the bar away before other output.
  void clear();

 private:
  [[nodiscard]] std::string status(const StepRecord& record) const;
  [[nodiscard]] std::string bar(const StepRecord& record) const;

  std::ostream& out_;
  ConsoleOptions options_;
  std::int64_t first_step_ = 0, total_steps_ = 0;
  double started_ = 0, last_ = 0;
  double rate_ = 0;          ///< images a second, smoothed
  double step_seconds_ = 0;  ///< of the time gone by, evaluations included, smoothed over about an epoch
  double previous_ = 0;
  std::int64_t removed_ = 0;  ///< channels since the last epoch line
  SizeStatus size_;
  bool drawn_ = false;
};

/// "1:02:03", "4:05", "0:07"
[[nodiscard]] std::string clock_text(double seconds);
/// Milliseconds: "12.345"
[[nodiscard]] std::string ms_text(double ms);
/// "1.4 KiB", "812 B"
[[nodiscard]] std::string bytes_text(double bytes);
/// "12,345,678"
[[nodiscard]] std::string grouped(std::int64_t value);

}  // namespace scnn
