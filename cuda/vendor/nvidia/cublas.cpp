#include "cuda/vendor/nvidia/cublas.h"

#include <cublas_v2.h>

#include "cuda/vendor/nvidia/dynamic_library.h"
#include "cuda/vendor/nvidia/packages.h"
#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

/// What NVIDIA recommends for sm_90.
constexpr std::int64_t workspace_bytes = 32 << 20;

/// cublasGemmEx, of which the header has two forms.
using Gemm = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void*,
                                const void*, cudaDataType, int, const void*, cudaDataType, int, const void*, void*,
                                cudaDataType, int, cublasComputeType_t, cublasGemmAlgo_t);

struct Library {
  DynamicLibrary in{"libcublas.so." + std::to_string(CUBLAS_VER_MAJOR), cublas_package};
  decltype(&cublasCreate_v2) create = in("cublasCreate_v2");
  decltype(&cublasDestroy_v2) destroy = in("cublasDestroy_v2");
  decltype(&cublasGetProperty) property = in("cublasGetProperty");
  decltype(&cublasSetStream_v2) set_stream = in("cublasSetStream_v2");
  decltype(&cublasSetWorkspace_v2) set_workspace = in("cublasSetWorkspace_v2");
  decltype(&cublasSetMathMode) set_math_mode = in("cublasSetMathMode");
  decltype(&cublasSetAtomicsMode) set_atomics_mode = in("cublasSetAtomicsMode");
  Gemm gemm = in("cublasGemmEx");
  decltype(&cublasGetStatusString) text = in("cublasGetStatusString");

  void check(cublasStatus_t status, const char* what) const {
    if (status != CUBLAS_STATUS_SUCCESS) {
      throw Error(ErrorKind::device, std::string("cuBLAS, ") + what + ": " + text(status));
    }
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

cublasHandle_t handle_of(void* handle) { return static_cast<cublasHandle_t>(handle); }

}  // namespace

Cublas::Cublas(Stream& stream) : workspace_(stream, workspace_bytes) {
  const Library& l = library();
  stream.use();
  cublasHandle_t handle = nullptr;
  l.check(l.create(&handle), "handle");
  handle_ = handle;
  try {
    // The stream first: it takes the workspace away.
    l.check(l.set_stream(handle, static_cast<cudaStream_t>(stream.handle())), "stream");
    l.check(l.set_workspace(handle, workspace_.data(), static_cast<std::size_t>(workspace_bytes)), "workspace");
    l.check(l.set_atomics_mode(handle, CUBLAS_ATOMICS_NOT_ALLOWED), "atomics");
    // Partial sums of bf16 products stay float.
    const auto mode = static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
    l.check(l.set_math_mode(handle, mode), "math mode");
  } catch (...) {
    (void)l.destroy(handle);
    throw;
  }
}

Cublas::~Cublas() { (void)library().destroy(handle_of(handle_)); }

// Columns of cuBLAS's matrices are rows of ours.
void Cublas::multiply(ConvPass pass, const ConvolutionLibrary::Product& p, Precision precision, const void* x,
                      const void* w, const void* y) {
  const cudaDataType_t type = precision == Precision::bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const float one = 1;
  const float zero = 0;
  const auto gemm = [&](cublasOperation_t of_a, cublasOperation_t of_b, int m, int n, int k, const void* a, int lda,
                        const void* b, int ldb, const void* c) {
    const Library& l = library();
    const cublasComputeType_t compute =
        precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    l.check(l.gemm(handle_of(handle_), of_a, of_b, m, n, k, &one, a, type, lda, b, type, ldb, &zero,
                   const_cast<void*>(c), CUDA_R_32F, m, compute, CUBLAS_GEMM_DEFAULT),
            "product");
  };
  switch (pass) {
    case ConvPass::forward:
      return gemm(CUBLAS_OP_T, CUBLAS_OP_N, p.out, p.rows, p.in, w, p.in_pitch, x, p.in_pitch, y);
    case ConvPass::backward_data:
      return gemm(CUBLAS_OP_N, CUBLAS_OP_N, p.in, p.rows, p.out, w, p.in_pitch, y, p.out_pitch, x);
    case ConvPass::backward_weights:
      return gemm(CUBLAS_OP_N, CUBLAS_OP_T, p.in, p.out, p.rows, x, p.in_pitch, y, p.out_pitch, w);
  }
}

std::string Cublas::description() {
  const auto part = [](libraryPropertyType type) {
    int value = 0;
    library().check(library().property(type, &value), "version");
    return std::to_string(value);
  };
  return "cuBLAS " + part(MAJOR_VERSION) + "." + part(MINOR_VERSION) + "." + part(PATCH_LEVEL) + " (" +
         library().in.path() + ")";
}

}  // namespace scnn::cuda
