#include "tested_backend.h"

namespace scnn::test {

std::unique_ptr<Backend> tested_backend() { return backend_for({DeviceType::cuda, 0}); }

}  // namespace scnn::test
