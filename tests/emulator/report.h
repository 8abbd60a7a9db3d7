#pragma once

namespace emulator {

/// Ends the program with "emulator: <what>: <kernel place>": a broken rule of CUDA, found while it was broken.
[[noreturn]] void die(const char* what);

/// Source place of a barrier or a warp operation.
struct Place {
  const char* file = "";
  int line = 0;
};

/// Whose code runs on this OS thread: decides what it may touch.
enum class Mode : unsigned char { host, kernel, emulator };
inline constinit thread_local Mode current_mode = Mode::host;
[[nodiscard]] inline Mode mode() { return current_mode; }
void set_mode(Mode mode);  // not inline: ThreadSanitizer would see a race of the CUDA threads that call it

/// The emulator's own work: not checked by the memory checker, invisible to ThreadSanitizer.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  Mode saved_;
};

}  // namespace emulator
