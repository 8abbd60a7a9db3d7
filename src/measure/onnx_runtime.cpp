#include "measure/onnx_runtime.h"

#include <cstring>
#include <span>

#include "core/file.h"
#include "core/process.h"
#include "core/python.h"
#include "core/scratch_folder.h"

namespace scnn {
namespace {

namespace fs = std::filesystem;

/// Arguments: the ONNX file, float32 pixels [n, h, w, c] without a header, their extents, where the logits go.
constexpr const char* script = R"(
import sys
import numpy
import onnxruntime
model, images, extents, logits = sys.argv[1:]
shape = [int(extent) for extent in extents.split(",")]
pixels = numpy.fromfile(images, "<f4").reshape(shape).transpose(0, 3, 1, 2)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
with open(logits, "wb") as out:
    for first in range(0, len(pixels), 256):
        batch = numpy.ascontiguousarray(pixels[first:first + 256])
        session.run(["logits"], {"image": batch})[0].astype("<f4").tofile(out)
)";

std::string last_line(const std::string& text) { return text.substr(text.rfind('\n') + 1); }

std::vector<float> logits_of(const std::string& python, const fs::path& file, const Shape& shape,
                             std::span<const float> pixels) {
  std::string extents;
  for (const std::int64_t extent : shape.extents()) {
    extents.append(extents.empty() ? "" : ",").append(std::to_string(extent));
  }
  const ScratchFolder folder;
  write_file(folder / "images", std::as_bytes(pixels));
  const ProcessResult result =
      run_program({python, "-c", script, file.string(), folder / "images", extents, folder / "logits"});
  if (!result.started || result.status != 0) {
    throw Error(ErrorKind::device, file.string() + ": ONNX Runtime failed: " + last_line(result.output));
  }
  const std::vector<std::byte> bytes = read_file(folder / "logits", ErrorKind::device);
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), logits.size() * sizeof(float));
  return logits;
}

}  // namespace

std::string onnx_python() {
  std::string python = python_with("numpy, onnxruntime");
  if (!python.empty()) return python;
  throw Error(ErrorKind::device,
              "ONNX Runtime is needed, and no Python here has numpy and onnxruntime: run "
              "`tools/setup --with-onnx`, or set SCNN_PYTHON to a Python that has both");
}

std::vector<float> onnx_runtime_logits(const std::string& python, const fs::path& file, const Tensor& images,
                                       const Normalization& normalization) {
  const auto channels = static_cast<std::size_t>(images.shape()[3]);
  std::vector<float> pixels(images.values<float>().begin(), images.values<float>().end());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    double value = pixels[i];
    if (!normalization.mean.empty()) {
      value = value * static_cast<double>(normalization.std[i % channels]) +
              static_cast<double>(normalization.mean[i % channels]);
    }
    pixels[i] = static_cast<float>(255.0 * value);
  }
  return logits_of(python, file, images.shape(), pixels);
}

std::vector<float> onnx_runtime_logits(const std::string& python, const fs::path& file, const Tensor& pixels) {
  const auto bytes = pixels.values<std::uint8_t>();
  return logits_of(python, file, pixels.shape(), std::vector<float>(bytes.begin(), bytes.end()));
}

}  // namespace scnn
