#pragma once

#include <filesystem>

namespace scnn {

/// Sets up messages (spdlog's default logger): on stderr warnings and errors, with verbosity above 0 all of them, below
/// 0 errors only.
void set_up_log(int verbosity, bool colour);
/// Adds every message, with its time, to `path` until the next call.  Error(run_folder) where it cannot be opened.
void log_to_file(const std::filesystem::path& path);

}  // namespace scnn
