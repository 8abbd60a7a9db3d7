#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "cli/export_formats.h"
#include "cli/verbs.h"
#include "scnn/core/difference.h"
#include "scnn/experiment/model_file.h"
#include "scnn/experiment/run.h"

namespace scnn::cli {
namespace {

struct Options {
  std::string model, format = "packed", out, style = "standard";
  int opset = 13;
  bool verify = false;
  CLI::Option *given_opset = nullptr, *given_style = nullptr;
};

int do_export(const Context& context, const Options& options) {
  if (options.format != "onnx" && (options.given_opset->count() > 0 || options.given_style->count() > 0)) {
    throw Error(ErrorKind::usage, "--opset and --style are --format onnx's");
  }
  const ExportFormat& format =
      *std::ranges::find_if(export_formats(), [&](const ExportFormat& one) { return one.name == options.format; });
  const ModelFile file = open_model(options.model, true);
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  std::vector<float> expected;
  const PackedModel packed = packed_model(file, *backend, options.verify ? &expected : nullptr);
  const std::string out = options.out.empty() ? format.out : options.out;
  const OnnxStyle style = options.style == "qonnx" ? OnnxStyle::qonnx : OnnxStyle::standard;
  Exported done = format.write(packed, out, {options.opset, style}, options.verify, *backend);
  done.json["format"] = options.format;
  done.json["from"] = file.path.string();
  if (options.verify && !done.unverified.empty()) {
    done.json["max_diff"] = nullptr;
    done.line += "; not verified: " + done.unverified;
  } else if (options.verify) {
    // The packed file is held against the network that was packed, whose scales and biases may have become halves; the
    // other formats against the packed model.
    const bool same = options.format != "packed";
    if (same) expected = probe_logits(*unpack(packed, *backend));
    const bool halves =
        !same && file.checkpoint && packed.quantised() && file.experiment->exporting.reals == RealForm::half;
    const double change = relative_difference(expected, done.logits);
    done.json["max_diff"] = change;
    if (!(change <= (halves ? 1e-2 : 1e-4))) {
      throw Error(ErrorKind::check,
                  fmt::format("{}: logits differ from {} by {:.1e} of the largest", out, file.path.string(), change));
    }
    done.line += fmt::format(", logits equal to {:.1e} of the largest", change);
  }
  if (context.json) {
    std::cout << done.json.dump(2) << '\n';
  } else {
    std::cout << fmt::format("{}: {}\n{}", out, done.line, done.remarks);
  }
  return 0;
}

}  // namespace

void add_export(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("export", "a run's network as a packed model, or for other programs");
  verb->add_option("MODEL", options->model, "run folder, checkpoint (.safetensors) or packed model (.scnn)")
      ->required()
      ->option_text(" ");
  std::vector<std::string> names;
  std::string docs, outs;
  for (const ExportFormat& format : export_formats()) {
    names.emplace_back(format.name);
    docs += fmt::format("{}{} ({})", docs.empty() ? "" : ", ", format.name, format.doc);
    outs += fmt::format("{}{}", outs.empty() ? "" : ", ", format.out);
  }
  one_of(verb->add_option("--format", options->format, docs + "; default packed"), names);
  options->given_opset = one_of(
      verb->add_option("--opset", options->opset, "ONNX: 13 (int8 weights, default) or 21 (int4 too)"), {"13", "21"});
  options->given_style =
      one_of(verb->add_option("--style", options->style,
                              "ONNX: standard operators (default), or QONNX's Quant, which names each channel's bits"),
             {"standard", "qonnx"});
  verb->add_option("-o,--output", options->out, "the file, of c a folder; default by format: " + outs)
      ->type_name("FILE");
  verb->add_flag(
      "--verify", options->verify,
      "compute with what was written and compare the logits with the original's; takes ONNX Runtime for onnx, "
      "a C compiler for c");
  verb->callback(
      [&context, options] { context.action = [&context, options] { return do_export(context, *options); }; });
}

}  // namespace scnn::cli
