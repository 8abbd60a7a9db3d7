/// Writes what each fuzzer begins with: fuzz_seeds FOLDER makes FOLDER/<fuzzer>/<files>.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
// After <cstdio>: jpeglib.h needs its types.
#include <jpeglib.h>
#include <zlib.h>

#include "core/file.h"
#include "export/calibrate.h"
#include "packed/format.h"
#include "scnn/backend/backend.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/safetensors.h"
#include "scnn/packed/packed.h"
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
  RunComponents parts = prepare(experiment);
  const fs::path checkpoints = folder / "checkpoints";
  test::train_tiny(parts, experiment, checkpoints);
  for (const auto& file : fs::directory_iterator(checkpoints)) {
    if (file.path().extension() != ".safetensors") continue;
    const std::vector<std::byte> whole = read_file(file.path(), ErrorKind::checkpoint);
    put(folder / "checkpoint" / "file", whole, 0);
    put(folder / "weights" / "checkpoint", whole, 129);  // a file of this program's layout, all of which fits
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
  PackedModel calibrated = decode(packed, "tiny");
  calibrate(calibrated, *parts.backend, calibration_images(calibrated, parts.data, 8));
  const std::vector<std::byte> levels = encode(calibrated);
  for (const char* fuzzer : {"packed", "runtime"}) {
    put(folder / fuzzer / "bytes", std::span(levels).subspan(head, levels.size() - head - deploy::checksum_bytes));
  }
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

std::string little(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (; bytes > 0; --bytes, value >>= 8U) out += static_cast<char>(value);
  return out;
}

void put(const fs::path& path, const std::string& content) { put(path, std::as_bytes(std::span(content))); }

std::uint64_t checksum(const std::string& content) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
}

std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  const std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\0", 8) + little(header.size(), 2) + header + data;
}

/// A stored array x; with every number in 64 bits where `wide`, and the end record that knows those.
std::string npz(const std::string& content, bool wide) {
  const std::string name = "x.npy", size = little(content.size(), 8), none = little(0xFFFFFFFFU, 4);
  const std::string extra = wide ? little(1, 2) + little(24, 2) + size + size + little(0, 8) : "";
  const std::string fields = little(45, 2) + little(0, 8) + little(checksum(content), 4) +
                             (wide ? none : size.substr(0, 4)) + (wide ? none : size.substr(0, 4)) +
                             little(name.size(), 2) + little(extra.size(), 2);
  const std::string local = "PK\3\4" + fields + name + extra + content;
  const std::string entry =
      "PK\1\2" + little(45, 2) + fields + little(0, 10) + (wide ? none : little(0, 4)) + name + extra;
  const std::string end64 = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(1, 8) +
                            little(1, 8) + little(entry.size(), 8) + little(local.size(), 8);
  const std::string locator = "PK\6\7" + little(0, 4) + little(local.size() + entry.size(), 8) + little(1, 4);
  const std::string end = "PK\5\6" + little(0, 4) + little(wide ? 0xFFFF : 1, 2) + little(wide ? 0xFFFF : 1, 2) +
                          (wide ? none : little(entry.size(), 4)) + (wide ? none : little(local.size(), 4)) +
                          little(0, 2);
  return local + entry + (wide ? end64 + locator : "") + end;
}

std::string jpeg(bool progressive) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* content = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &content, &size);
  jpeg.image_width = jpeg.image_height = 16;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  Bytes line(16 * 3);
  std::iota(line.begin(), line.end(), std::uint8_t{100});
  JSAMPROW row = line.data();
  while (jpeg.next_scanline < 16) (void)jpeg_write_scanlines(&jpeg, &row, 1);
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string out = "\2" + std::string(reinterpret_cast<char*>(content), size);
  std::free(content);
  return out;
}

void own_data(const fs::path& folder) {
  const std::string x = npy("|u1", "(2, 2, 2)", "abcdefgh"), y = npy("<i8", "(2,)", little(0, 8) + little(1, 8));
  const std::string w = npy("<f4", "(3,)", std::string(12, '\0'));
  for (const bool wide : {false, true}) {
    const std::string name = wide ? "zip64" : "zip";
    put(folder / "arrays" / name, std::string(1, '\0') + npz(x, wide));
    put(folder / "weights" / name, std::string(1, '\0') + npz(w, wide));
  }
  put(folder / "arrays" / "array", "\1" + x);
  put(folder / "arrays" / "set", "\2" + little(x.size(), 2) + x + y);
  Safetensors weights;
  for (const char* name : {"conv.weight", "bn.weight", "fc.bias"})
    weights.tensors[name] = Tensor::host(Shape{3, 1, 3, 3});
  const std::vector<std::byte> whole = encode_safetensors(weights);
  put(folder / "weights" / "file", whole, 1);
  put(folder / "weights" / "header", std::span(whole).subspan(8), 2);

  const std::string side = std::string(3, '\0') + "\4";
  Bytes grey(100);
  uLongf size = grey.size();
  (void)compress(grey.data(), &size, Bytes(4 * 5).data(), 4 * 5);
  const std::string idat = "IDAT" + std::string(grey.begin(), grey.begin() + static_cast<std::ptrdiff_t>(size));
  std::string chunks(1, '\0');
  for (const std::string& chunk : {"IHDR" + side + side + "\10" + std::string(4, '\0'), idat, std::string("IEND")}) {
    chunks += static_cast<char>(chunk.size() - 4) + chunk;
  }
  put(folder / "image" / "chunks", chunks);
  for (const int kind : {0, 2, 4, 6}) {  // grey, RGB, with transparency
    std::string rows = "\1" + side + side + "\10" + static_cast<char>(kind) + std::string(3, '\0');
    const std::size_t width = 4 * std::size_t{kind == 0 ? 1U : kind == 4 ? 2U : kind == 2 ? 3U : 4U};
    for (int row = 0; row < 4; ++row) rows += static_cast<char>(row) + std::string(width, 'p');
    put(folder / "image" / ("rows" + std::to_string(kind)), rows);
  }
  for (const bool progressive : {false, true})
    put(folder / "image" / (progressive ? "jpeg2" : "jpeg1"), jpeg(progressive));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  training(argv[1]);
  data(argv[1]);
  own_data(argv[1]);
  return 0;
}
