#include <cstdio>

#include "scnn/backend/backend.h"
#include "scnn/core/number_format.h"
#include "scnn/core/version.h"

// Uses the lowest and the highest layer, so that every library and what it links must have been found.
int main() {
  const auto backend = scnn::backend_for(scnn::Device{});
  scnn::Tensor x = backend->allocate({2, 3});
  backend->fill(x, 1.5F);
  scnn::Tensor y = backend->allocate({2, 3});
  backend->scale(x, 2.0F, y);
  const float q = scnn::quantize(0.3F, scnn::channel_format(4.0F, -2.0F));  // 0.3 * 4 = 1.2, rounds to 1, / 4
  std::printf("scnn %s, %zu libraries, %s\n", scnn::program_version(), scnn::library_versions().size(),
              backend->description().c_str());
  return y.values<float>()[5] == 3.0F && q == 0.25F ? 0 : 1;
}
