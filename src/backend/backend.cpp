#include "scnn/backend/backend.h"

#include "backend/checks.h"

namespace scnn {

std::unique_ptr<Recording> Backend::record(const std::function<void()>& /*work*/) {
  checks::fail("record", "this backend does not record");
}

std::unique_ptr<Backend> backend_for(Device device, const BackendOptions& options) {
  return device.type == DeviceType::cpu ? cpu::make_backend(options) : cuda::make_backend(device, options);
}

std::string cuda_unusable_because() { return cuda::unusable_because(); }

CudaLibraries cuda_libraries() { return cuda::libraries(); }

}  // namespace scnn
