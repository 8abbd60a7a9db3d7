/// Writes what each fuzzer begins with: fuzz_seeds FOLDER makes FOLDER/<fuzzer>/<files>.
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "deploy/format.h"
#include "scnn/backend/backend.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/file.h"
#include "scnn/deploy/packed.h"
#include "scnn/train/checkpoint.h"
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
/// Behind a byte that says what it is.
void put(const fs::path& path, std::span<const std::byte> content, std::uint8_t kind) {
  std::vector<std::byte> whole{std::byte{kind}};
  whole.insert(whole.end(), content.begin(), content.end());
  put(path, whole);
}

void training(const fs::path& folder) {
  const Experiment experiment = parse_experiment(test::tiny, "tiny.yaml");
  put(folder / "experiment" / "tiny.yaml", std::as_bytes(std::span(std::string_view(test::tiny))));
  put(folder / "experiment" / "whole.yaml", std::as_bytes(std::span(experiment.yaml)));
  Parts parts = prepare(experiment);
  const fs::path checkpoints = folder / "checkpoints";
  test::train_tiny(parts, experiment, checkpoints);
  for (const auto& file : fs::directory_iterator(checkpoints)) {
    if (file.path().extension() != ".safetensors") continue;
    const std::vector<std::byte> whole = read_file(file.path(), ErrorKind::checkpoint);
    put(folder / "checkpoint" / "file", whole, 0);
    // The header's length is the fuzzer's to find otherwise.
    const std::vector<std::byte> rest(whole.begin() + 8, whole.end());
    put(folder / "checkpoint" / "header", rest, 1);
    const std::string state = read_checkpoint(file.path()).file.metadata.at("state");
    put(folder / "checkpoint" / "state", std::as_bytes(std::span(state)), 2);
  }
  put(folder / "checkpoint" / "edits", Bytes{3, 0, 1, 0, 255, 5, 1, 1, 9});
  fs::remove_all(checkpoints);
  const std::vector<std::byte> packed = encode(pack(*parts.graph, "tiny", parts.data, {}));
  const auto head = deploy::magic.size() + 1 + (packed.size() < 128 + 10 ? 1 : 2);  // magic, version, length
  put(folder / "packed" / "tiny", std::span(packed).subspan(head, packed.size() - head - deploy::checksum_bytes));
  put(folder / "packed" / "file", packed);
  put(folder / "runtime" / "tiny", std::span(packed).subspan(head, packed.size() - head - deploy::checksum_bytes));
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
