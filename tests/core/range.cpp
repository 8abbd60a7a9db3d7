#include "scnn/core/range.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

struct Script : RangeSink {
  std::vector<std::string> lines;
  void begin(std::string_view name, std::string_view member) override {
    lines.push_back(std::string(name) + (member.empty() ? "" : "/") + std::string(member));
  }
  void end() noexcept override { lines.emplace_back("end"); }
};
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("ranges are heard in order, nested, only while somebody listens", "[range]") {
  Script script;
  { const Range unheard("before"); }
  {
    const Listen listen(script);
    const Range step("step");
    { const Range layer("forward", "conv1"); }
    { const Range layer("backward", "conv1"); }
  }
  { const Range unheard("after"); }
  CHECK(script.lines == Lines{"step", "forward/conv1", "end", "backward/conv1", "end", "end"});
}

TEST_CASE("listening that starts or stops inside ranges still hears pairs", "[range]") {
  Script script;
  std::optional<Listen> listen;
  {
    const Range epoch("epoch");
    {
      const Range step("step");
      listen.emplace(script);
    }
    { const Range step("step"); }
    const Range removal("removal");
    listen.reset();
    const Range unheard("unheard");
  }
  CHECK(script.lines == Lines{"epoch", "step", "end", "step", "end", "removal", "end", "end"});
}

TEST_CASE("one listener a thread, and no thread hears another", "[range]") {
  Script here;
  Script there;
  const Listen listen(here);
  CHECK_THROWS_AS(Listen(there), Error);
  std::thread([&there] {
    { const Range unheard("unheard"); }
    const Listen other(there);
    const Range heard("there");
  }).join();
  CHECK(here.lines.empty());
  CHECK(there.lines == Lines{"there", "end"});
}

}  // namespace scnn
