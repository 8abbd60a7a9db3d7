#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "scnn/record/console.h"

namespace scnn {

/// What a sweep is at.
struct SweepProgress {
  struct Running {
    std::string run;
    double since = 0;  ///< seconds on the console's clock
  };
  std::size_t runs = 0, done = 0, failed = 0;  ///< of this shard
  std::vector<Running> running;
  double mean_seconds = 0;  ///< of a finished run; 0: none has finished yet
  int jobs = 1;

  /// Seconds until the last run ends, if those to come take as long as those before; negative: unknown.
  [[nodiscard]] double left(double now) const;
};

/// A sweep as a person sees it: a line when a run starts or ends, and in between a bar on a terminal, elsewhere a line
/// a minute.
class SweepConsole {
 public:
  SweepConsole(std::ostream* out, ConsoleOptions options);
  SweepConsole(const SweepConsole&) = delete;
  SweepConsole& operator=(const SweepConsole&) = delete;
  ~SweepConsole();

  [[nodiscard]] double now() const { return options_.clock(); }
  void line(const std::string& text);
  /// To be called often.
  void show(const SweepProgress& progress);

 private:
  void clear();

  std::ostream* out_;
  ConsoleOptions options_;
  double last_ = 0;
  bool drawn_ = false;
};

}  // namespace scnn
