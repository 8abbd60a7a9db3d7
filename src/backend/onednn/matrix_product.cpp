#include <omp.h>

#include <new>
#include <oneapi/dnnl/dnnl.hpp>

#include "backend/checks.h"
#include "backend/cpu/convolution.h"

namespace scnn::cpu {

void matrix_product(const Workers& workers, char a_form, char b_form, std::int64_t m, std::int64_t n, std::int64_t k,
                    const float* a, const float* b, float beta, float* c) {
  // oneDNN's threads wait for each other several times in a product: a small one is faster alone.
  constexpr std::int64_t small_product = 1 << 21;
  omp_set_num_threads(m * n * k < small_product ? 1 : workers.count());
  const auto status =
      dnnl::sgemm(a_form, b_form, m, n, k, 1.0F, a, a_form == 'N' ? k : m, b, b_form == 'N' ? n : k, beta, c, n);
  if (status == dnnl::status::out_of_memory) throw std::bad_alloc();
  if (status != dnnl::status::success) checks::fail("linear", "oneDNN sgemm refused its arguments");
}

}  // namespace scnn::cpu
