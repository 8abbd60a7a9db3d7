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

void set_mode(Mode mode) { current_mode = mode; }

Quiet::Quiet() : saved_(mode()) {
  set_mode(Mode::emulator);
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
  set_mode(saved_);
}

void die(const char* what) {
  set_mode(Mode::emulator);
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
