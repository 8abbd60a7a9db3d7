#pragma once

#include <string>
#include <vector>

#include "core/file.h"

namespace scnn {

/// A program that measures: it gets commands, a line each, on stdin, and answers each with a line of JSON on stdout
/// (tools/bench/onnx_deploy.py says which).  It ends with this object.
class BenchWorker {
 public:
  /// Error(device) where it cannot be started.  `name`: for messages.
  BenchWorker(std::string name, const std::vector<std::string>& program);
  BenchWorker(const BenchWorker&) = delete;
  BenchWorker& operator=(const BenchWorker&) = delete;
  ~BenchWorker();

  /// Bytes by which peak memory grew; to be asked before anything else.
  [[nodiscard]] double memory() { return ask("memory", "bytes"); }
  /// Seconds to load the model.
  [[nodiscard]] double load() { return ask("load", "seconds"); }
  /// Seconds for `batch` images, the mean over at least `seconds`.
  [[nodiscard]] double run(int batch, double seconds);

 private:
  double ask(const std::string& command, const char* answer);

  std::string name_;
  Descriptor socket_{-1};
  int child_ = 0;
  std::string pending_;
};

}  // namespace scnn
