#include "cuda/vendor/nvidia/dynamic_library.h"

#include <dlfcn.h>
#include <glob.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

/// Existing paths of a pattern, the last name first: the newest of several versions.
std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = found.gl_pathc; i > 0; --i) paths.emplace_back(found.gl_pathv[i - 1]);
  }
  ::globfree(&found);
  return paths;
}

/// Folders as patterns, in the order in which they are tried; empty: where the system looks.
std::vector<std::string> places() {
  std::vector<std::string> list;
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  if (!code) list.insert(list.end(), {program.string(), (program.parent_path() / "lib").string()});
  list.emplace_back();
  list.insert(list.end(), {"/usr/local/cuda/lib64", "/usr/local/cuda*/lib64", "/usr/local/cuda*/lib"});
  const auto packages = [&](const std::string& prefix) {
    list.push_back(prefix + "/lib/python3*/*-packages/nvidia/*/lib");
  };
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const char* prefix = std::getenv(name);
    if (prefix == nullptr) continue;
    packages(prefix);
    list.push_back(std::string(prefix) + "/lib");
  }
  if (const char* home = std::getenv("HOME")) packages(std::string(home) + "/.local");
  packages("/usr/local");
  packages("/usr");
  return list;
}

std::string last_error() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "unknown error";
}

}  // namespace

DynamicLibrary::DynamicLibrary(std::string file, const std::string& package) : file_(std::move(file)) {
  std::string unfit, looked;
  for (const std::string& place : places()) {
    looked += (looked.empty() ? "" : ", ") + (place.empty() ? "the system's library path" : place);
    const auto found = place.empty() ? std::vector<std::string>{file_} : matches(place + "/" + file_);
    for (const std::string& candidate : found) {
      handle_ = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) {
        path_ = candidate;
        return;
      }
      const std::string why = last_error();
      const bool absent = why.find("No such file") != std::string::npos;
      if (!absent) unfit += "; " + why;
    }
  }
  throw Error(ErrorKind::device, file_ + " was not found, looked in " + looked + unfit + "; install it (pip install " +
                                     package + "), or set device.convolution: own and device.precision: fp32 or bf16");
}

Symbol DynamicLibrary::operator()(const char* function) const {
  void* address = ::dlsym(handle_, function);
  if (address == nullptr) throw Error(ErrorKind::device, path_ + ": " + last_error());
  return Symbol(address);
}

}  // namespace scnn::cuda
