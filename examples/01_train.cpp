// Trains an experiment file and prints what came out.
//
//   01_train experiments/quickstart.yaml train.epochs=2
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "scnn/scnn.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: 01_train EXPERIMENT.yaml [key=value ...]\n");
    return 2;
  }
  try {
    // Every mistake in the file or the overrides is reported at once, with its line.
    const std::vector<std::string> overrides(argv + 2, argv + argc);
    const scnn::Experiment experiment = scnn::load_experiment(argv[1], overrides);

    scnn::RunOptions options;  // the run folder is runs/<name>/<time>-<hash>
    options.screen = &std::cout;
    options.console.epochs = experiment.train.epochs;
    const scnn::RunResult result = scnn::run_experiment(experiment, options);

    std::printf("run folder  %s\n", result.run.c_str());
    std::printf("test top-1  %.2f%%\n", 100 * result.test.top1);
    std::printf("model.scnn  %lld bytes, %.2f%% of float32\n", static_cast<long long>(result.file_bytes),
                result.file_percent());
    return 0;
  } catch (const scnn::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
