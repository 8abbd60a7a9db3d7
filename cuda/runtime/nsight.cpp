#include "backend/nsight.h"

#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>

#include <string>

#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

class NsightCapture final : public TraceSink {
 public:
  NsightCapture() : domain_(nvtxDomainCreateA("scnn")) {
    const cudaError_t error = cudaProfilerStart();
    if (error != cudaSuccess) {
      (void)cudaGetLastError();
      nvtxDomainDestroy(domain_);
      throw Error(ErrorKind::device, std::string("CUDA profiler: ") + cudaGetErrorString(error));
    }
  }
  ~NsightCapture() override {
    (void)cudaProfilerStop();
    nvtxDomainDestroy(domain_);
  }
  NsightCapture(const NsightCapture&) = delete;
  NsightCapture& operator=(const NsightCapture&) = delete;

  void begin(std::string_view name, std::string_view member) override {
    text_ = name;
    if (!member.empty()) text_.append("/").append(member);
    nvtxEventAttributes_t attributes{};
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_ASCII;
    attributes.message.ascii = text_.c_str();
    (void)nvtxDomainRangePushEx(domain_, &attributes);
  }
  void end() noexcept override { (void)nvtxDomainRangePop(domain_); }

 private:
  nvtxDomainHandle_t domain_;
  std::string text_;  // NVTX copies it; kept for its memory
};

}  // namespace

std::unique_ptr<TraceSink> nsight_capture() { return std::make_unique<NsightCapture>(); }

}  // namespace scnn::cuda
