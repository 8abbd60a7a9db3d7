/// Writes what each fuzzer begins with: fuzz_seeds FOLDER makes FOLDER/<fuzzer>/<files>.
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "deploy/format.h"
#include "scnn/backend/backend.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/file.h"
#include "scnn/deploy/packed.h"
#include "scnn/experiment/run.h"
#include "scnn/train/trainer.h"
#include "tiny.h"

using namespace scnn;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;

void put(const fs::path& path, std::span<const std::byte> content) {
  fs::create_directories(path.parent_path());
  write_file(path, content);
}
void put(const fs::path& path, const Bytes& content) { put(path, std::as_bytes(std::span(content))); }

void training(const fs::path& folder) {
  const Experiment experiment = parse_experiment(test::tiny, "tiny.yaml");
  put(folder / "experiment" / "tiny.yaml", std::as_bytes(std::span(std::string_view(test::tiny))));
  put(folder / "experiment" / "whole.yaml", std::as_bytes(std::span(experiment.yaml)));
  const Parts parts = prepare(experiment);
  TrainObserver nobody;
  TrainerOptions options;
  options.train = experiment.train;
  options.compression = experiment.compression;
  options.checkpoint_folder = folder / "checkpoints";
  options.config = experiment.yaml;
  fs::create_directories(options.checkpoint_folder);
  Trainer trainer(*parts.graph, parts.data, options, nobody);
  (void)trainer.run();
  for (const auto& file : fs::directory_iterator(options.checkpoint_folder)) {
    if (file.path().extension() != ".safetensors") continue;
    put(folder / "checkpoint" / file.path().filename(), read_file(file.path(), ErrorKind::checkpoint));
  }
  fs::remove_all(options.checkpoint_folder);
  const std::vector<std::byte> packed = encode(pack(*parts.graph, "tiny", parts.data));
  const auto head = deploy::magic.size() + 1 + (packed.size() < 128 + 10 ? 1 : 2);  // magic, version, length
  put(folder / "packed" / "tiny", std::span(packed).subspan(head, packed.size() - head - deploy::checksum_bytes));
  put(folder / "packed" / "file", packed);
}

void data(const fs::path& folder) {
  put(folder / "idx" / "images", Bytes{1, 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 6});
  put(folder / "idx" / "labels", Bytes{0, 0, 0, 8, 1, 0, 0, 0, 2, 1, 0});
  for (const std::uint8_t kind : {0, 1}) {
    Bytes row(1 + 1 + kind + 3072);
    std::iota(row.begin() + 2 + kind, row.end(), std::uint8_t{0});
    row[0] = kind;
    put(folder / "cifar" / ("cifar" + std::to_string(kind)), row);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  training(argv[1]);
  data(argv[1]);
  return 0;
}
