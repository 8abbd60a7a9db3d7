#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "scnn/core/difference.h"
#include "scnn/core/file.h"
#include "scnn/deploy/npz.h"
#include "scnn/experiment/model_file.h"
#include "scnn/experiment/run.h"

namespace scnn::cli {
namespace {

struct Options {
  std::string model, format = "packed", out;
  bool verify = false;
};

int do_export(const Context& context, const Options& options) {
  if (options.verify && options.format != "packed") {
    throw Error(ErrorKind::usage, "--verify reads the file back, which only --format packed allows");
  }
  const ModelFile file = open_model(options.model, true);
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  PackedModel packed;
  std::vector<float> before;
  if (file.checkpoint) {
    const Dataset data = load_dataset(file.experiment->data, file.experiment->seed);
    const RestoredModel restored = restore_model(file, *backend);
    packed = pack(*restored.graph, file.experiment->name, data, file.experiment->exporting);
    if (options.verify) before = probe_logits(*restored.graph);
  } else {
    packed = *file.packed;
    if (options.verify) before = probe_logits(*unpack(packed, *backend));
  }
  const std::string out = !options.out.empty() ? options.out : options.format == "packed" ? "model.scnn" : "model.npz";
  nlohmann::ordered_json json = {{"file", out}, {"format", options.format}, {"from", file.path.string()}};
  if (options.format == "packed") {
    write_file(out, encode(packed));
  } else {
    write_npz(packed, out);
  }
  json["file_bytes"] = std::filesystem::file_size(out);
  std::string note;
  if (options.verify) {
    const PackedModel back = decode(read_file(out, ErrorKind::checkpoint), out);
    const double change = relative_difference(before, probe_logits(*unpack(back, *backend)));
    json["max_diff"] = change;
    // What packing changes: roundings of float32, or of the halves that scales and biases become.
    const bool halves = packed.quantised() && (!file.experiment || file.experiment->exporting.reals == RealForm::half);
    if (!(change <= (halves ? 1e-2 : 1e-4))) {
      throw Error(ErrorKind::check,
                  fmt::format("{}: logits differ from {} by {:.1e} of the largest", out, file.path.string(), change));
    }
    note = fmt::format(", logits equal to {:.1e} of the largest", change);
  }
  if (context.json) {
    std::cout << json.dump(2) << '\n';
  } else {
    std::cout << fmt::format("{}: {} bytes{}\n", out, json["file_bytes"].get<std::int64_t>(), note);
  }
  return 0;
}

}  // namespace

void add_export(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("export", "a run's network as a packed model or NumPy archive");
  verb->add_option("MODEL", options->model, "run folder, checkpoint (.safetensors) or packed model (.scnn)")
      ->required()
      ->option_text(" ");
  one_of(verb->add_option("--format", options->format, "packed or npz"), {"packed", "npz"});
  verb->add_option("-o,--output", options->out, "the file; default model.scnn or model.npz")->type_name("FILE");
  verb->add_flag("--verify", options->verify, "read the file back and compare its logits with the original's");
  verb->callback(
      [&context, options] { context.action = [&context, options] { return do_export(context, *options); }; });
}

}  // namespace scnn::cli
