#pragma once

#include <string>

/// Shared libraries opened while the program runs: it starts, and everything else works, where they are absent.
namespace scnn::cuda {

/// A function's address, to be taken as the pointer type that the library's header declares.
class Symbol {
 public:
  explicit Symbol(void* address) : address_(address) {}
  template <class Function>
  operator Function*() const {  // NOLINT(google-explicit-constructor): decltype(&f) f = library("f")
    return reinterpret_cast<Function*>(address_);
  }

 private:
  void* address_;
};

/// One library; stays open until the process ends.
class DynamicLibrary {
 public:
  /// Looks for `file` ("libcudnn.so.9") beside the program, where the system looks, in CUDA's folders and in Python's
  /// nvidia packages.  Error(device) names what was looked for and where, and says to install `package`.
  DynamicLibrary(std::string file, const std::string& package);

  /// Error(device) where the library has no such function.
  [[nodiscard]] Symbol operator()(const char* function) const;
  /// Where it was found.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string file_, path_;
  void* handle_ = nullptr;
};

}  // namespace scnn::cuda
