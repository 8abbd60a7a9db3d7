#include "core/trace.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

struct Script : TraceSink {
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
  { const TraceScope unheard("before"); }
  {
    const TraceListener listen(script);
    const TraceScope step("step");
    { const TraceScope layer("forward", "conv1"); }
    { const TraceScope layer("backward", "conv1"); }
  }
  { const TraceScope unheard("after"); }
  CHECK(script.lines == Lines{"step", "forward/conv1", "end", "backward/conv1", "end", "end"});
}

TEST_CASE("listening that starts or stops inside ranges still hears pairs", "[range]") {
  Script script;
  std::optional<TraceListener> listen;
  {
    const TraceScope epoch("epoch");
    {
      const TraceScope step("step");
      listen.emplace(script);
    }
    { const TraceScope step("step"); }
    const TraceScope removal("removal");
    listen.reset();
    const TraceScope unheard("unheard");
  }
  CHECK(script.lines == Lines{"epoch", "step", "end", "step", "end", "removal", "end", "end"});
}

TEST_CASE("one listener a thread, and no thread hears another", "[range]") {
  Script here;
  Script there;
  const TraceListener listen(here);
  CHECK_THROWS_AS(TraceListener(there), Error);
  std::thread([&there] {
    { const TraceScope unheard("unheard"); }
    const TraceListener other(there);
    const TraceScope heard("there");
  }).join();
  CHECK(here.lines.empty());
  CHECK(there.lines == Lines{"there", "end"});
}

}  // namespace scnn
