#include "emulator/report.h"

#include <cstdio>
#include <cstdlib>

#include "emulator/block.h"

#if defined(EMULATOR_TSAN)
extern "C" {
void AnnotateIgnoreReadsBegin(const char*, int);
void AnnotateIgnoreReadsEnd(const char*, int);
void AnnotateIgnoreWritesBegin(const char*, int);
void AnnotateIgnoreWritesEnd(const char*, int);
}
#endif

namespace emulator {

namespace {
thread_local Mode now = Mode::host;
}

Mode mode() { return now; }
void set_mode(Mode mode) { now = mode; }

Quiet::Quiet() : saved_(now) {
  now = Mode::emulator;
#if defined(EMULATOR_TSAN)
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
}

Quiet::~Quiet() {
#if defined(EMULATOR_TSAN)
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
  now = saved_;
}

void die(const char* what) {
  now = Mode::emulator;
  std::fflush(stdout);
  if (const Thread* t = running_thread()) {
    const uint3 block = block_index();
    std::fprintf(stderr, "emulator: %s: block (%u,%u,%u), thread (%u,%u,%u), last at %s:%d\n", what, block.x, block.y,
                 block.z, t->index.x, t->index.y, t->index.z, t->at.file, t->at.line);
  } else {
    std::fprintf(stderr, "emulator: %s\n", what);
  }
  std::abort();
}

}  // namespace emulator
