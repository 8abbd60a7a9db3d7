#include "backend/nsight.h"

#include <vector>

#include "catch.h"
#include "emulator/device.h"

namespace scnn::test {

TEST_CASE("Nsight sees ranges in the domain scnn, inside the capture range", "[cuda][range]") {
  std::vector<std::string>& told = emulator::device().nsight;
  told.clear();
  {
    const TraceScope epoch("epoch");
    const auto capture = cuda::nsight_capture();
    const TraceListener listen(*capture);
    const TraceScope step("step");
    const TraceScope layer("forward", "conv1");
  }
  CHECK(told == std::vector<std::string>{"start", "push scnn epoch", "push scnn step", "push scnn forward/conv1",
                                         "pop scnn", "pop scnn", "pop scnn", "stop"});
}

}  // namespace scnn::test
