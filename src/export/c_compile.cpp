#include <cstdlib>
#include <cstring>

#include "core/file.h"
#include "core/process.h"
#include "core/scratch_folder.h"
#include "export/c_source.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

std::string compiler() {
  const char* chosen = std::getenv("CC");
  for (const std::string candidate : {chosen != nullptr ? chosen : "", "cc", "gcc", "clang"}) {
    if (candidate.empty()) continue;
    const ProcessResult asked = run_program({candidate, "--version"});
    if (asked.started && asked.status == 0) return candidate;
  }
  return "";
}

/// Reads images from one file and writes logits to another.
std::string driver(const CSource& source, std::size_t image, std::size_t classes) {
  return "#include <stdio.h>\n#include \"" + source.name +
         ".h\"\nint main(int argc, char **argv) {\n  static float image[" + std::to_string(image) + "], logits[" +
         std::to_string(classes) +
         "];\n  FILE *in = argc == 3 ? fopen(argv[1], \"rb\") : 0, *out = argc == 3 ? fopen(argv[2], \"wb\") : 0;\n"
         "  if (!in || !out) return 1;\n  while (fread(image, sizeof(image), 1, in) == 1) {\n    " +
         source.name +
         "_run(image, logits);\n    if (fwrite(logits, sizeof(logits), 1, out) != 1) return 1;\n  }\n"
         "  return fclose(out) != 0;\n}\n";
}

void must(const ProcessResult& result, const char* what) {
  if (result.started && result.status == 0) return;
  throw Error(ErrorKind::check, std::string(what) + ":\n" + result.output);
}

}  // namespace

std::optional<std::vector<float>> compiled_logits(const CSource& source, std::span<const float> images, std::size_t n,
                                                  std::size_t classes) {
  const std::string program = compiler();
  if (program.empty()) return std::nullopt;
  const ScratchFolder folder;
  const auto at = [&](const std::string& name) { return (folder / name).string(); };
  write_c_source(source, folder.path());
  write_file(at("driver.c"), driver(source, images.size() / n, classes));
  write_file(at("images"), std::as_bytes(images));
  const std::vector<std::string> flags = {"-std=c99", "-Wall", "-Wextra", "-Werror", "-O1"};
  for (const char* main : {"main.c", "driver.c"}) {
    std::vector<std::string> command = {program};
    command.insert(command.end(), flags.begin(), flags.end());
    command.insert(command.end(), {at(main), at(source.name + ".c"), "-o", at("program")});
    must(run_program(command), "the C compiler refuses the exported source");
  }
  must(run_program({at("program"), at("images"), at("logits")}), "the exported source does not run");
  const std::vector<std::byte> bytes = read_file(at("logits"), ErrorKind::check);
  std::vector<float> logits(bytes.size() / sizeof(float));
  if (!logits.empty()) std::memcpy(logits.data(), bytes.data(), logits.size() * sizeof(float));
  return logits;
}

}  // namespace scnn
