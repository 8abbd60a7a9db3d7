#include "scnn/train/checkpoint.h"

#include <algorithm>

#include "fuzz.h"
#include "tiny.h"

using namespace scnn;

namespace {

using Input = std::span<const std::uint8_t>;

Safetensors good_file(const Experiment& experiment) {
  const std::filesystem::path folder = "/dev/shm/scnn-fuzz-" + std::to_string(::getpid()) + "-checkpoints";
  RunComponents parts = prepare(experiment);
  test::train_tiny(parts, experiment, folder);
  std::vector<std::string> ignored;
  Safetensors file = CheckpointFolder(folder).newest(ignored).value().file;
  std::filesystem::remove_all(folder);
  return file;
}

Safetensors read(Input bytes) {
  Safetensors file = decode_safetensors(std::as_bytes(bytes), "fuzz");
  const auto once = encode_safetensors(file);
  test::must(encode_safetensors(decode_safetensors(once, "again")) == once);
  return file;
}

/// Four bytes an edit of a good file: which tensor, what, and two of how.
Safetensors edited(Safetensors file, Input edits) {
  for (; edits.size() >= 4 && !file.tensors.empty(); edits = edits.subspan(4)) {
    const auto at = [&](unsigned i) {
      return std::next(file.tensors.begin(), static_cast<std::ptrdiff_t>(i % file.tensors.size()));
    };
    const auto tensor = at(edits[0]);
    Tensor& value = tensor->second;
    if (edits[1] % 4 == 0) {
      file.tensors.erase(tensor);
    } else if (edits[1] % 4 == 1 && value.bytes() > 0) {
      static_cast<std::uint8_t*>(value.raw())[edits[2] % value.bytes()] = edits[3];
    } else if (edits[1] % 4 == 2) {
      value = Tensor::host(Shape{edits[2], edits[3] % 4}, edits[3] > 127 ? DType::int32 : DType::float32);
    } else {
      const Tensor copy = at(edits[2])->second;
      value = copy;
    }
  }
  return file;
}

Safetensors file_of(Input bytes, const Safetensors& good) {
  const Input rest = bytes.subspan(1);
  if (bytes[0] % 4 == 0) return read(rest);
  if (bytes[0] % 4 == 1) return read(test::with_header_length(rest));
  Safetensors copy = decode_safetensors(encode_safetensors(good), "good");
  if (bytes[0] % 4 == 3) return edited(std::move(copy), rest);
  copy.metadata["state"] = std::string(rest.begin(), rest.end());
  return copy;
}

}  // namespace

/// The first byte says what the others are; training goes on from what comes of them, signed anew.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Experiment experiment = parse_experiment(test::tiny, "tiny.yaml");
  static const Safetensors good = good_file(experiment);
  if (size == 0) return 0;
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    Checkpoint checkpoint{file_of({data, size}, good), "fuzz"};
    if (!checkpoint.file.metadata.contains("state")) return;
    checkpoint = with_config(std::move(checkpoint), experiment.yaml);
    const RunComponents parts = prepare(experiment);
    TrainObserver nobody;
    Trainer trainer(*parts.graph, parts.data, test::tiny_options(experiment), nobody);
    trainer.resume(checkpoint);
  });
  return 0;
}
