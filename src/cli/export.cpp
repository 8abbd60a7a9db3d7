#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "scnn/core/difference.h"
#include "scnn/core/file.h"
#include "scnn/deploy/c_source.h"
#include "scnn/deploy/npz.h"
#include "scnn/deploy/probe.h"
#include "scnn/experiment/model_file.h"
#include "scnn/experiment/run.h"

namespace scnn::cli {
namespace {

struct Options {
  std::string model, format = "packed", out;
  bool verify = false;
};

/// The C source, with the same words for people and JSON as for the other formats.
int export_c(const Context& context, const Options& options, const PackedModel& packed, Backend& backend,
             const std::string& from) {
  const std::string folder = options.out.empty() ? "model_c" : options.out;
  const CSource source = c_source(packed);
  write_c_source(source, folder);
  nlohmann::ordered_json json = {{"folder", folder},
                                 {"format", options.format},
                                 {"from", from},
                                 {"files", {source.name + ".h", source.name + ".c", "main.c"}},
                                 {"constant_bytes", source.constant_bytes},
                                 {"static_bytes", source.static_bytes}};
  std::string note;
  if (options.verify) {
    const Tensor images = probe_images(std::get<InputSpec>(packed.network.front().options));
    const auto values = images.values<float>();
    const std::vector<float> expected = probe_logits(*unpack(packed, backend));
    const auto n = static_cast<std::size_t>(images.shape()[0]);
    const auto found = compiled_logits(source, {values.data(), values.size()}, n, expected.size() / n);
    json["max_diff"] = found ? nlohmann::ordered_json(relative_difference(expected, *found)) : nullptr;
    if (!found) {
      note = "; not verified: no C compiler (none of $CC, cc, gcc and clang runs)";
    } else if (const double change = relative_difference(expected, *found); !(change <= 1e-4)) {
      throw Error(ErrorKind::check, fmt::format("{}: its logits differ by {:.1e} of the largest", folder, change));
    } else {
      note = fmt::format("; compiled, logits equal to {:.1e} of the largest", change);
    }
  }
  if (context.json) {
    std::cout << json.dump(2) << '\n';
  } else {
    std::cout << fmt::format("{0}: {1}.h, {1}.c, main.c; {2} bytes of constants, {3} of static memory{4}\n", folder,
                             source.name, source.constant_bytes, source.static_bytes, note);
  }
  return 0;
}

int do_export(const Context& context, const Options& options) {
  if (options.verify && options.format == "npz") {
    throw Error(ErrorKind::usage, "--verify computes logits, which --format npz does not allow");
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
  if (options.format == "c") return export_c(context, options, packed, *backend, file.path.string());
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
  CLI::App* verb = program.add_subcommand("export", "a run's network as a packed model, NumPy archive or C source");
  verb->add_option("MODEL", options->model, "run folder, checkpoint (.safetensors) or packed model (.scnn)")
      ->required()
      ->option_text(" ");
  one_of(verb->add_option("--format", options->format, "packed, npz or c"), {"packed", "npz", "c"});
  verb->add_option("-o,--output", options->out, "the file, of c a folder; default model.scnn, model.npz or model_c")
      ->type_name("FILE");
  verb->add_flag(
      "--verify", options->verify,
      "compare the logits of what was written with the original's; of c compile it, where a C compiler is found");
  verb->callback(
      [&context, options] { context.action = [&context, options] { return do_export(context, *options); }; });
}

}  // namespace scnn::cli
