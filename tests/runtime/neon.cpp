#include <cstring>
#include <filesystem>

#include "core/file.h"
#include "core/process.h"
#include "export/loaded_runtime.h"
#include "networks.h"
#include "scnn/runtime/scnn_runtime.h"
#include "temporary_folder.h"

using namespace scnn;

namespace {

constexpr std::uint64_t networks = 120, byte_networks = 40;

bool runs(const std::string& program) {
  const ProcessResult asked = run_program({program, "--version"});
  return asked.started && asked.status == 0;
}

}  // namespace

TEST_CASE(
    "logits of random networks are the program's, of bytes bit for bit: NEON and plain C on AArch64, under qemu") {
  const std::string compiler = "aarch64-linux-gnu-gcc", emulator = "qemu-aarch64";
  for (const std::string& needed : {compiler, emulator}) {
    if (!runs(needed)) SCNN_SKIP(needed + " is not installed (gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)");
  }
  const test::TemporaryFolder folder;
  const auto backend = backend_for(Device{}, BackendOptions{1});
  std::vector<Tensor> expected;
  for (std::uint64_t i = 0; i < networks; ++i) {
    test::NetworkCase c = test::make_case(50'000 + i, *backend);
    const std::string stem = (folder.path() / std::to_string(i)).string();
    write_file(stem + ".scnn", c.file);
    write_file(stem + ".x", std::as_bytes(c.x.values<float>()));
    expected.push_back(std::move(c.logits));
  }
  std::vector<std::vector<float>> byte_logits;  // here, bit for bit
  for (std::uint64_t seed = 90'000; byte_logits.size() < byte_networks; ++seed) {
    const auto made = test::make_calibrated(seed, *backend);
    if (!made) continue;
    const std::vector<std::byte> file = encode(made->model);
    const LoadedRuntime loaded(file, "test", {1, SCNN_RT_AUTO, SCNN_RT_BYTES});
    if (loaded.info().byte_layers != test::weighted_layers(made->model)) continue;
    const std::string stem = (folder.path() / std::to_string(networks + byte_logits.size())).string();
    write_file(stem + ".scnn", file);
    write_file(stem + ".x", std::as_bytes(made->x.values<float>()));
    byte_logits.push_back(loaded.logits(made->x.values<float>()));
  }
  // Tests run at the top of the tree.
  const std::string program = (folder.path() / "program").string();
  std::vector<std::string> command = {compiler,    "-std=c99", "-O2",       "-Wall",
                                      "-Wextra",   "-Werror",  "-pedantic", "-static",
                                      "-Iinclude", "-o",       program,     "tests/runtime/run_files.c"};
  for (const auto& file : std::filesystem::directory_iterator("src/runtime")) {
    if (file.path().extension() == ".c") command.push_back(file.path().string());
  }
  for (const char* library : {"-lm", "-lpthread"}) command.emplace_back(library);
  const ProcessResult compiled = run_program(command);
  INFO(compiled.output);
  REQUIRE(compiled.status == 0);
  for (const scnn_rt_path path : {SCNN_RT_PORTABLE, SCNN_RT_NEON}) {
    const ProcessResult run = run_program(
        {emulator, program, folder.path().string(), std::to_string(networks + byte_networks), std::to_string(path)});
    INFO(run.output);
    REQUIRE(run.status == 0);
    for (std::uint64_t i = 0; i < networks + byte_networks; ++i) {
      INFO("network " << i);
      const std::vector<std::byte> bytes = read_file(folder.path() / (std::to_string(i) + ".y"), ErrorKind::data);
      std::vector<float> logits(bytes.size() / sizeof(float));
      std::memcpy(logits.data(), bytes.data(), bytes.size());
      if (i < networks) CHECK(test::logit_difference(logits, expected[i]) < 1e-4);
      if (i >= networks) CHECK(test::same_bits(logits, byte_logits[i - networks]));
    }
  }
}
