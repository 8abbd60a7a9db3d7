#pragma once

#include <array>
#include <map>
#include <memory>

#include "cuda/vendor/library.h"

namespace scnn::cuda {

/// cuDNN on one stream: what it does with a shape is asked once, from its heuristics and without timing, and kept; an
/// algorithm that refuses when it is to run gives way to the next.
class Cudnn {
 public:
  /// Error(device) where the library is absent.
  explicit Cudnn(Stream& stream);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  /// ConvolutionLibrary::takes and convolve.
  [[nodiscard]] bool takes(ConvPass pass, const Conv2d& shape, Precision precision);
  void convolve(ConvPass pass, const Conv2d& shape, Precision precision, void* x, void* w, void* y);

  /// Version and place; Error(device) where the library is absent.
  [[nodiscard]] static std::string description();

 private:
  class Plan;
  using Key = std::array<std::int64_t, 18>;

  [[nodiscard]] Plan& plan(ConvPass pass, const Conv2d& shape, Precision precision);

  Stream& stream_;
  void* handle_ = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

}  // namespace scnn::cuda
