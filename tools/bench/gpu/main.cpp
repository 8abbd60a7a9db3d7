#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench.h"
#include "scnn/backend/backend.h"
#include "scnn/core/error.h"

namespace {

using Json = nlohmann::ordered_json;
using scnn::bench::Options;
using scnn::bench::Row;

constexpr const char* usage =
    "usage: gpu_bench [--quick] [ceilings] [convolutions] [passes]\n"
    "Times the CUDA kernels, all stages or those named, and prints one JSON object.  --quick: small and once; to try "
    "the\n"
    "program, not to measure.\n";

Json json_of(const Row& row) {
  Json json = {{"stage", row.stage}, {"name", row.name}, {"what", row.what}, {"us", row.seconds * 1e6}};
  if (row.flops > 0) json["tflops"] = row.flops / row.seconds * 1e-12;
  if (row.bytes > 0) json["gb_s"] = row.bytes / row.seconds * 1e-9;
  return json;
}

int run(int argc, char** argv) {
  Options options;
  std::vector<std::string> stages;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      options = {1, 8, 1, 0, std::size_t{1} << 16, 64};
    } else if (word == "ceilings" || word == "convolutions" || word == "passes") {
      stages.push_back(word);
    } else {
      std::fputs(usage, word == "--help" || word == "-h" ? stdout : stderr);
      return word == "--help" || word == "-h" ? 0 : static_cast<int>(scnn::ErrorKind::usage);
    }
  }
  const auto backend = scnn::backend_for({scnn::DeviceType::cuda, 0});
  Json rows = Json::array();
  const auto stage = [&](const char* name, std::vector<Row> (*measure)(const Options&)) {
    if (!stages.empty() && std::find(stages.begin(), stages.end(), name) == stages.end()) return;
    std::cerr << name << '\n';
    for (const Row& row : measure(options)) rows.push_back(json_of(row));
  };
  stage("ceilings", scnn::bench::ceilings);
  stage("convolutions", scnn::bench::convolutions);
  stage("passes", scnn::bench::passes);
  const scnn::CudaLibraries libraries = scnn::cuda_libraries();
  std::cout << Json{{"device", backend->description()},
                    {"libraries", libraries.found.empty() ? Json() : Json(libraries.found)},
                    {"without_libraries_because", libraries.unusable_because},
                    {"batch", options.batch},
                    {"rows", rows}}
                   .dump(1)
            << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const scnn::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
