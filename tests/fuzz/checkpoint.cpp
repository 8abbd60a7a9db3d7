#include "scnn/train/checkpoint.h"

#include "fuzz.h"
#include "scnn/experiment/run.h"
#include "scnn/train/trainer.h"
#include "tiny.h"

using namespace scnn;

/// A safetensors file; where it is one of a checkpoint, signed anew, training goes on from it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Experiment experiment = parse_experiment(test::tiny, "tiny.yaml");
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    Checkpoint checkpoint{decode_safetensors(std::as_bytes(std::span(data, size)), "fuzz"), "fuzz"};
    const auto bytes = encode_safetensors(checkpoint.file);
    test::must(encode_safetensors(decode_safetensors(bytes, "again")) == bytes);
    if (!checkpoint.file.metadata.contains("state")) return;
    checkpoint = with_config(std::move(checkpoint), experiment.yaml);
    const Parts parts = prepare(experiment);
    TrainObserver nobody;
    TrainerOptions options;
    options.train = experiment.train;
    options.compression = experiment.compression;
    Trainer trainer(*parts.graph, parts.data, options, nobody);
    trainer.resume(checkpoint);
  });
  return 0;
}
