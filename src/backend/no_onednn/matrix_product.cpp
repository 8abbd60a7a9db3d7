#include <algorithm>

#include "backend/cpu/convolution.h"
#include "backend/no_onednn/loops.h"
#include "scnn/core/error.h"

namespace scnn::cpu {

void matrix_product(const Workers& workers, char a_form, char b_form, std::int64_t m, std::int64_t n, std::int64_t k,
                    const float* a, const float* b, float beta, float* c) {
  require(a_form == 'N' || b_form == 'N', ErrorKind::bug, "matrix_product: both operands transposed");
  workers.each(m, m * n * k, [=](std::int64_t row) {
    float* out = c + row * n;
    if (beta == 0.0F) {
      std::fill_n(out, n, 0.0F);  // whatever stood there
    } else if (beta != 1.0F) {
      for (std::int64_t j = 0; j < n; ++j) out[j] *= beta;
    }
    if (b_form == 'T') {
      for (std::int64_t j = 0; j < n; ++j) out[j] += dot(a + row * k, b + j * k, k);
      return;
    }
    for (std::int64_t i = 0; i < k; ++i) add_scaled(a_form == 'N' ? a[row * k + i] : a[i * m + row], b + i * n, n, out);
  });
}

}  // namespace scnn::cpu
