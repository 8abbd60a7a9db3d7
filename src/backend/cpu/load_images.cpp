#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/image_writer.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::load_images(const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                             const AugmentSteps& steps, const RandomStream& stream, Tensor& x, Tensor& y) {
  const TraceScope range("kernel", "load_images");
  constexpr const char* op = "load_images";
  checks::load_images(op, pixels, labels, indices, table, steps, x, y);
  const Shape& stored = pixels.shape();
  const auto values = table.values<float>();
  const ImageWriter writer(static_cast<std::int32_t>(stored[1]), static_cast<std::int32_t>(stored[2]),
                           {values.begin(), values.end()}, steps);
  const std::int64_t size = stored[1] * stored[2] * stored[3];
  const std::int32_t* index = indices.data<std::int32_t>();
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    if (index[i] < 0 || index[i] >= stored[0]) {
      checks::fail(op, "index " + std::to_string(index[i]) + " is outside [0, " + std::to_string(stored[0]) + ")");
    }
  }
  workers_.ranges(indices.size(), 1, x.size(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      writer.write(pixels.data<std::uint8_t>() + index[i] * size, index[i], stream, x.data<float>() + i * size);
      y.data<std::int32_t>()[i] = labels.data<std::int32_t>()[index[i]];
    }
  });
}

}  // namespace scnn::cpu
