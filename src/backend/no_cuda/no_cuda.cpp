#include "backend/nsight.h"
#include "scnn/backend/backend.h"
#include "scnn/core/error.h"

/// Linked in where the CUDA backend is not built.
namespace scnn::cuda {

std::unique_ptr<Backend> make_backend(Device device, const BackendOptions& /*options*/) {
  throw Error(ErrorKind::device, "cannot use " + to_string(device) + ": " + unusable_because());
}

std::unique_ptr<TraceSink> nsight_capture() {
  throw Error(ErrorKind::device, "nothing for NVIDIA's tools to see: " + unusable_because());
}

std::string unusable_because() {
  return "this program was built without CUDA; build it with the CUDA toolkit (preset cuda-release) on a machine with "
         "an NVIDIA driver, or set device.type: cpu";
}

CudaLibraries libraries() { return {"", "this program was built without CUDA"}; }

}  // namespace scnn::cuda
