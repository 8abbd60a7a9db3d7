#include "catch.h"
#include "scnn/backend/backend.h"

namespace scnn::test {

std::string why_skipped() {
  const std::string reason = cuda_unusable_because();
  return reason.empty() ? "" : "no GPU: " + reason;
}

}  // namespace scnn::test
