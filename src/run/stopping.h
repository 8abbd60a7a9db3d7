#pragma once

#include <functional>
#include <optional>
#include <string>

#include "scnn/run/run.h"

namespace scnn {

/// From now on the first Ctrl-C asks for a stop and the second ends the program at once; SIGTERM asks for a stop too.
/// Blocks both signals in the calling thread and in all it starts later: call it before any of them.
void watch_signals();

/// "90s", "15m", "2h", "1h30m", "1d", or seconds without a unit.  Error(usage).
[[nodiscard]] double parse_duration(const std::string& text);

/// Whether a signal came or `max_seconds` (0: no limit) have gone by since the call to this function.
[[nodiscard]] std::function<std::optional<StopRequest>()> stop_on_signal_or_after(double max_seconds);

}  // namespace scnn
