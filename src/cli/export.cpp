#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "scnn/core/difference.h"
#include "scnn/core/file.h"
#include "scnn/deploy/npz.h"
#include "scnn/deploy/onnx.h"
#include "scnn/experiment/model_file.h"
#include "scnn/experiment/onnx_runtime.h"
#include "scnn/experiment/run.h"

namespace scnn::cli {
namespace {

struct Options {
  std::string model, format = "packed", out, style = "standard";
  int opset = 13;
  bool verify = false;
  CLI::Option *given_opset = nullptr, *given_style = nullptr;
};

/// A format of --format: how its file is written and, for --verify, what the file computes.
struct Format {
  const char *name, *file;
  /// Adds what there is to say to `json`; returns remarks, a line each.
  std::string (*write)(const PackedModel&, const Options&, const std::string& out, nlohmann::ordered_json& json);
  /// Logits of the probe's images by the file `out`, which was made of the model; Error(device) before anything is
  /// written where that takes something that is not here.
  std::vector<float> (*logits)(const PackedModel&, const Options&, const std::string& out, Backend&);
};

std::string write_packed(const PackedModel& model, const Options& /*options*/, const std::string& out,
                         nlohmann::ordered_json& /*json*/) {
  write_file(out, encode(model));
  return "";
}

std::vector<float> packed_logits(const PackedModel& /*model*/, const Options& /*options*/, const std::string& out,
                                 Backend& backend) {
  return probe_logits(*unpack(decode(read_file(out, ErrorKind::checkpoint), out), backend));
}

std::string write_archive(const PackedModel& model, const Options& /*options*/, const std::string& out,
                          nlohmann::ordered_json& /*json*/) {
  write_npz(model, out);
  return "";
}

std::vector<float> archive_logits(const PackedModel& model, const Options& /*options*/, const std::string& out,
                                  Backend& backend) {
  return probe_logits(*unpack(read_npz(out, model), backend));
}

std::string write_onnx(const PackedModel& model, const Options& options, const std::string& out,
                       nlohmann::ordered_json& json) {
  const OnnxStyle style = options.style == "qonnx" ? OnnxStyle::qonnx : OnnxStyle::standard;
  const OnnxFile file = encode_onnx(model, {options.opset, style});
  write_file(out, file.bytes);
  json["opset"] = options.opset;
  json["style"] = options.style;
  json["weights"] = nlohmann::ordered_json::object();
  std::map<std::string, int> counts;
  std::string remarks;
  for (const OnnxWeights& layer : file.weights) {
    json["weights"][layer.layer] = layer.form;
    ++counts[layer.form];
    if (!layer.given) continue;
    remarks += fmt::format("{}: float weights, its integers take more bits than {}\n", layer.layer,
                           style == OnnxStyle::qonnx ? "the 22 that a Quant of float32 holds" : "the 8 of int8");
  }
  std::string line;
  for (const auto& [form, count] : counts) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, form);
  return fmt::format("layers with weights: {}\n{}", line, remarks);
}

std::vector<float> onnx_logits(const PackedModel& model, const Options& /*options*/, const std::string& out,
                               Backend& /*backend*/) {
  const auto& input = std::get<InputSpec>(model.network.front().options);
  return onnx_runtime_logits(onnx_python(), out, probe_images(input), model.normalisation);
}

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {{"packed", "model.scnn", write_packed, packed_logits},
                                          {"npz", "model.npz", write_archive, archive_logits},
                                          {"onnx", "model.onnx", write_onnx, onnx_logits}};
  return all;
}

void check(const Options& options) {
  const bool onnx = options.format == "onnx";
  if (!onnx && (options.given_opset->count() > 0 || options.given_style->count() > 0)) {
    throw Error(ErrorKind::usage, "--opset and --style are --format onnx's");
  }
  if (!onnx || !options.verify) return;
  if (options.style == "qonnx") {
    throw Error(ErrorKind::usage, "--verify computes with ONNX Runtime, which has no Quant: verify the standard style");
  }
  static_cast<void>(onnx_python());  // before any work is done
}

int do_export(const Context& context, const Options& options) {
  check(options);
  const Format& format =
      *std::ranges::find_if(formats(), [&](const Format& one) { return one.name == options.format; });
  const ModelFile file = open_model(options.model, true);
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  std::vector<float> before;
  const PackedModel packed = packed_model(file, *backend, options.verify ? &before : nullptr);
  const std::string out = options.out.empty() ? format.file : options.out;
  nlohmann::ordered_json json = {{"file", out}, {"format", options.format}, {"from", file.path.string()}};
  const std::string remarks = format.write(packed, options, out, json);
  json["file_bytes"] = std::filesystem::file_size(out);
  std::string note;
  if (options.verify) {
    const double change = relative_difference(before, format.logits(packed, options, out, *backend));
    json["max_diff"] = change;
    // What packing changes: roundings of float32, or of the halves that scales and biases become.
    const bool halves = file.checkpoint && packed.quantised() && file.experiment->exporting.reals == RealForm::half;
    if (!(change <= (halves ? 1e-2 : 1e-4))) {
      throw Error(ErrorKind::check,
                  fmt::format("{}: logits differ from {} by {:.1e} of the largest", out, file.path.string(), change));
    }
    note = fmt::format(", logits equal to {:.1e} of the largest", change);
  }
  if (context.json) {
    std::cout << json.dump(2) << '\n';
  } else {
    std::cout << fmt::format("{}: {} bytes{}\n{}", out, json["file_bytes"].get<std::int64_t>(), note, remarks);
  }
  return 0;
}

}  // namespace

void add_export(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("export", "a run's network as a packed model, NumPy archive or ONNX file");
  verb->add_option("MODEL", options->model, "run folder, checkpoint (.safetensors) or packed model (.scnn)")
      ->required()
      ->option_text(" ");
  std::vector<std::string> names;
  for (const Format& format : formats()) names.emplace_back(format.name);
  one_of(verb->add_option("--format", options->format, "form of the file; default packed"), names);
  options->given_opset = one_of(
      verb->add_option("--opset", options->opset, "ONNX: 13 (int8 weights, default) or 21 (int4 too)"), {"13", "21"});
  options->given_style = one_of(verb->add_option("--style", options->style,
                                                 "ONNX: standard operators (default), or QONNX's Quant, which names "
                                                 "each channel's bits"),
                                {"standard", "qonnx"});
  verb->add_option("-o,--output", options->out, "the file; default model.scnn, model.npz or model.onnx")
      ->type_name("FILE");
  verb->add_flag("--verify", options->verify,
                 "compute with the file (of ONNX by ONNX Runtime) and compare the logits with the original's");
  verb->callback(
      [&context, options] { context.action = [&context, options] { return do_export(context, *options); }; });
}

}  // namespace scnn::cli
