#pragma once

#include <functional>
#include <vector>

#include "cuda/vendor/library.h"

/// What stands in for NVIDIA's libraries on the emulated GPU: plain loops over the operands as they are handed over.
namespace scnn::test {

struct LibraryCall {
  cuda::ConvPass pass;
  Precision precision;
  bool linear;
  Conv2d shape;  ///< of a convolution
};

/// The library of every backend made from now on.
struct FakeLibrary {
  bool absent = false;
  /// Which convolutions it takes; all where this is empty.
  std::function<bool(cuda::ConvPass, const Conv2d&)> takes;
  std::vector<LibraryCall> calls;
};
[[nodiscard]] FakeLibrary& fake_library();

}  // namespace scnn::test
