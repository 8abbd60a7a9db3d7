#include "run/weight_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "core/file.h"
#include "core/numpy_file.h"
#include "core/settings_error.h"
#include "scnn/core/safetensors.h"

namespace scnn {
namespace {

std::vector<FileTensor> read_safetensors(const std::string& path) {
  std::vector<FileTensor> tensors;
  const Safetensors file = decode_foreign_safetensors(read_file(path, ErrorKind::checkpoint), path);
  for (const auto& [name, tensor] : file.tensors) {
    if (tensor.dtype() != DType::float32) continue;
    const auto extents = tensor.shape().extents();
    const auto values = tensor.values<float>();
    tensors.push_back({name, {extents.begin(), extents.end()}, {values.begin(), values.end()}});
  }
  return tensors;
}

std::vector<FileTensor> read_npz(const std::string& path) {
  std::vector<FileTensor> tensors;
  const NpzFile file(path, ErrorKind::checkpoint);
  for (const std::string& name : file.names()) {
    const NumpyArray array = file.read(name);
    if (array.kind != 'f') continue;
    FileTensor tensor{name, array.shape, std::vector<float>(array.size())};
    for (std::size_t i = 0; i < array.size(); ++i) tensor.values[i] = static_cast<float>(array.number(i));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace

std::string FileTensor::shape_text() const { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::vector<FileTensor> read_weight_file(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    throw SettingsError("model.init.from", fmt::format("there is no file {}", path));
  }
  const std::string suffix = std::filesystem::path(path).extension().string();
  if (suffix == ".safetensors") return read_safetensors(path);
  if (suffix == ".npz") return read_npz(path);
  throw SettingsError("model.init.from",
                      fmt::format("{} is neither .safetensors nor .npz; from PyTorch: np.savez(\"weights.npz\", **{{k: "
                                  "v.numpy() for k, v in model.state_dict().items()}})",
                                  path));
}

}  // namespace scnn
