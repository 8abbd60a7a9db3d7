#include <cublas_v2.h>

#include "library.h"
#include "scnn/core/error.h"

namespace scnn::bench {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw Error(ErrorKind::device, std::string("cuBLAS ") + what + ": " + cublasGetStatusString(status));
  }
}

class Product final : public LibraryProduct {
 public:
  explicit Product(void* stream) {
    check(cublasCreate(&handle_), "handle");
    check(cublasSetStream(handle_, static_cast<cudaStream_t>(stream)), "stream");
  }
  ~Product() override { cublasDestroy(handle_); }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  void run(const void* a, const void* b, void* c, int n) override {
    const float one = 1;
    const float zero = 0;
    check(cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_T, n, n, n, &one, a, CUDA_R_16BF, n, b, CUDA_R_16BF, n, &zero, c,
                       CUDA_R_16BF, n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
          "product");
  }

 private:
  cublasHandle_t handle_ = nullptr;
};

}  // namespace

std::unique_ptr<LibraryProduct> library_product(cuda::Stream& stream) {
  return std::make_unique<Product>(stream.handle());
}

}  // namespace scnn::bench
