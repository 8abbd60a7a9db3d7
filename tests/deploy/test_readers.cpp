#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "random_model.h"
#include "scnn/core/error.h"
#include "scnn/core/file.h"
#include "scnn/core/random.h"
#include "scnn/deploy/npz.h"
#include "temporary_folder.h"

using namespace scnn;
using scnn::test::random_model;
using scnn::test::TemporaryFolder;

namespace {

/// A Python that has NumPy; empty where there is none.
std::string python() {
  for (const std::string program : {"python3", "/usr/bin/python3"}) {
    if (std::system((program + " -c 'import numpy' > /dev/null 2>&1").c_str()) == 0) return program;
  }
  return "";
}

/// A float tensor as an NPY 1.0 file.
void save(const std::filesystem::path& path, const Tensor& tensor) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : tensor.shape().extents()) header.append(std::to_string(extent)).append(", ");
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ').append("\n");
  std::ofstream out(path, std::ios::binary);
  out.write("\x93NUMPY\x01\x00", 8);
  const auto size = static_cast<std::uint16_t>(header.size());
  out.write(reinterpret_cast<const char*>(&size), 2);
  out << header;
  out.write(static_cast<const char*>(tensor.raw()), static_cast<std::streamsize>(tensor.bytes()));
}

Tensor images(const Graph& graph) {
  const Edge& edge = graph.nodes().front().edge;
  Tensor x = Tensor::host({3, edge.h, edge.w, graph.sets()[edge.set].size()});
  const RandomStream stream(11, Stream::probe);
  std::uint64_t next = 0;
  for (float& value : x.values<float>()) value = 2.0F * uniform(stream.draws(next++).v[0]) - 1.0F;
  return x;
}

}  // namespace

TEST_CASE("an archive of the same model has the same bytes and no time in it") {
  const std::vector<std::byte> bytes = encode_npz(random_model(5));
  CHECK(bytes == encode_npz(random_model(5)));
  // Local header: time 00:00, 1 January 1980.
  CHECK(bytes[10] == std::byte{0});
  CHECK(bytes[11] == std::byte{0});
  CHECK(bytes[12] == std::byte{0x21});
  CHECK(bytes[13] == std::byte{0});
}

TEST_CASE("the NumPy reader, the archive and a NumPy network agree with the program") {
  const std::string program = python();
  if (program.empty()) SCNN_SKIP("python3 with numpy is not installed");
  const TemporaryFolder folder;
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    PackedModel model = random_model(1000 + seed);
    if (seed % 2 == 1) {
      try {
        model = trim(model, *backend);
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::training);
      }
    }
    const std::string stem = (folder.path() / std::to_string(seed)).string();
    write_file(stem + ".scnn", encode(model));
    write_npz(model, stem + ".npz");
    const auto graph = unpack(model, *backend);
    const Tensor x = images(*graph);
    save(stem + ".images.npy", x);
    save(stem + ".logits.npy", graph->forward(x, Pass{}));
  }
  // Tests run at the top of the tree; __FILE__ may be a path relative to anywhere (ccache).
  CHECK(std::system((program + " tests/deploy/check_reader.py '" + folder.path().string() + "'").c_str()) == 0);
}
