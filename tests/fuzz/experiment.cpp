#include "scnn/settings/experiment.h"

#include "fuzz.h"

using namespace scnn;

/// What is read is written out in full, and that reads back to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  test::reads_or_refuses(ErrorKind::experiment, [&] {
    const Experiment experiment = parse_experiment(text, "fuzz.yaml");
    test::must(parse_experiment(experiment.yaml, "again.yaml").yaml == experiment.yaml);
  });
  return 0;
}
