#include "core/settings_error.h"
#include "fuzz.h"
#include "run/initial_weights.h"
#include "tiny.h"

using namespace scnn;

/// The first byte says what the others are: a safetensors file of another program, one without its length, or an
/// archive; and whose layout it has.  The tiny network begins with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Experiment experiment = parse_experiment(test::tiny, "tiny.yaml");
  static const RunComponents parts = prepare(experiment);
  static test::MemoryFile safetensors("-weights.safetensors"), archive("-weights.npz");
  if (size == 0) return 0;
  InitialWeights init;
  init.layout = (data[0] & 128U) != 0 ? WeightLayout::scnn : WeightLayout::pytorch;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] % 4 == 0) {
    init.from = archive.write(rest.data(), rest.size()).string();
  } else {
    const std::vector<std::uint8_t> whole =
        data[0] % 4 == 1 ? std::vector(rest.begin(), rest.end()) : test::with_header_length(rest);
    init.from = safetensors.write(whole.data(), whole.size()).string();
  }
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    try {
      load_initial_weights(init, *parts.graph);
    } catch (const SettingsError&) {  // they do not fit this network
      return;
    }
  });
  return 0;
}
