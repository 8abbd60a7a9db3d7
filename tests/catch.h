#pragma once

// Catch2 2.13 (Debian 12) or 3.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace scnn::test {
/// Notes that a test did not run, and why; listed again at the end of the program.
void note_skip(const std::string& reason);
/// Why this program runs none of its tests here; empty where it does.  A test program may define its own.
std::string why_skipped();
}  // namespace scnn::test

/// Ends the test case as skipped: prints "skipped: reason".  Counted and listed, never silent.
#define SCNN_SKIP(reason)            \
  do {                               \
    ::scnn::test::note_skip(reason); \
    return;                          \
  } while (false)
