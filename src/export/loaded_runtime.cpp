#include "export/loaded_runtime.h"

#include "scnn/core/error.h"

namespace scnn {

LoadedRuntime::LoadedRuntime(std::span<const std::byte> file, const std::string& where,
                             const scnn_rt_options& options) {
  scnn_rt_error error = {};
  if (scnn_rt_load(file.data(), file.size(), &options, nullptr, 0, &runtime_, &error) == SCNN_RT_OK) return;
  const bool memory = error.status == SCNN_RT_MEMORY || error.status == SCNN_RT_THREAD;
  const bool path = error.status == SCNN_RT_PATH;
  throw Error(memory ? ErrorKind::memory
              : path ? ErrorKind::usage
                     : ErrorKind::checkpoint,
              where + ": " + error.message + " (" + scnn_rt_strerror(error.status) + ")");
}

std::size_t LoadedRuntime::image_size() const {
  const scnn_rt_info about = info();
  return static_cast<std::size_t>(about.height) * static_cast<std::size_t>(about.width) *
         static_cast<std::size_t>(about.channels);
}

std::string LoadedRuntime::label(int index) const {
  const char* name = scnn_rt_class_name(runtime_, index);
  return name != nullptr ? name : std::to_string(index);
}

std::vector<float> LoadedRuntime::logits(std::span<const std::uint8_t> pixels) const {
  const std::size_t n = pixels.size() / image_size();
  std::vector<float> made(n * static_cast<std::size_t>(info().classes));
  (void)scnn_rt_run_u8(runtime_, pixels.data(), n, made.data());
  return made;
}

std::vector<float> LoadedRuntime::logits(std::span<const float> images) const {
  const std::size_t n = images.size() / image_size();
  std::vector<float> made(n * static_cast<std::size_t>(info().classes));
  (void)scnn_rt_run(runtime_, images.data(), n, made.data());
  return made;
}

}  // namespace scnn
