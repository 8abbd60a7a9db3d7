#include "core/trace_timer.h"

#include "catch.h"
#include "emulator/device.h"
#include "scnn/backend/backend.h"

namespace scnn::test {

TEST_CASE("the timer gives a range the kernels that were launched in it", "[cuda][range]") {
  const auto backend = backend_for({DeviceType::cuda, 0});
  const Tensor x = backend->allocate(Shape{8});
  Tensor y = backend->allocate(Shape{8});
  // Kernels run when somebody waits, and the clock counts those that ran.
  TraceTimer timer([&] { backend->synchronize(); },
                   [] { return static_cast<std::int64_t>(emulator::device().launches); });
  {
    const TraceListener listen(timer);
    const TraceScope step("step");
    backend->relu_forward(x, y);
    {
      const TraceScope layer("forward", "conv1");
      backend->relu_forward(x, y);
      backend->relu_forward(x, y);
    }
    { const TraceScope layer("forward", "conv2"); }
  }
  const std::vector<RangeTimes::Total> totals = timer.times().totals();
  REQUIRE(totals.size() == 3);
  CHECK(totals[0].time == 3);
  CHECK(totals[1].time == 2);
  CHECK(totals[2].time == 0);
}

}  // namespace scnn::test
