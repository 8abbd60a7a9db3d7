#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include <iostream>
#include <vector>

#include "catch.h"

namespace scnn::test {
namespace {
std::vector<std::string>& skips() {
  static std::vector<std::string> list;
  return list;
}
}  // namespace

void note_skip(const std::string& reason) {
  skips().push_back(reason);
  std::cout << "skipped: " << reason << std::endl;
}

[[gnu::weak]] std::string why_skipped() { return {}; }
}  // namespace scnn::test

int main(int argc, char** argv) {
  if (const std::string reason = scnn::test::why_skipped(); !reason.empty()) {
    std::cout << "skipped: " << reason << '\n';
    return 77;
  }
  const int failed = Catch::Session().run(argc, argv);
  for (const std::string& reason : scnn::test::skips()) std::cout << "skipped: " << reason << '\n';
  // A program whose other tests passed still passes: each skip is listed by name above and by tools/test.
  return failed;
}
