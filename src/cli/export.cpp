#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "cli/export_formats.h"
#include "export/agreement.h"
#include "export/calibrate.h"
#include "run/model_file.h"
#include "scnn/packed/packed.h"
#include "scnn/record/console.h"
#include "scnn/run/run.h"
#include "settings/check.h"

namespace scnn::cli {
namespace {

struct ExportArguments {
  std::string model, format = "packed", out, style = "standard", verify_images;
  int opset = 13;
  bool verify = false;
  int calibrate = 0;  ///< images; 0: activations stay floats
  CLI::Option *given_opset = nullptr, *given_style = nullptr;
};

/// How near an engine comes to the program in float32, of the largest logit.
constexpr double engine_rounding = 1e-5;

VerifyImages probe_of(const PackedModel& model) {
  return {probe_images(std::get<InputSpec>(model.network.front().options)), {}};
}

/// The data set of the model's run.
Dataset images_of(const ModelFile& file, const PackedModel& model, Backend& backend) {
  if (!file.experiment) {
    throw Error(ErrorKind::usage, file.path.string() +
                                      " is not inside its run folder, so its images are unknown: "
                                      "give the run folder");
  }
  Dataset data = load_dataset(file.experiment->data, file.experiment->seed);
  check_fits(*unpack(model, backend), data);
  return data;
}

/// The first `count` test images, or all.
VerifyImages test_images(const Dataset& data, const PackedModel& model, const std::string& count) {
  const Shape& shape = data.test.images.shape();
  const std::int64_t n = count == "all" ? shape[0] : std::min<std::int64_t>(std::stoll(count), shape[0]);
  const Shape some{n, shape[1], shape[2], shape[3]};
  const Tensor pixels = data.test.images.reshaped(some);
  return {normalized_images(pixels, model.normalization), pixels};
}

/// Error(check) where the file that was written does not compute what it should.
void hold(Exported& done, const std::string& out, const std::string& against, const std::vector<float>& expected,
          std::int64_t classes, bool images, double tolerance) {
  const Agreement found = compare_logits(expected, done.logits, classes);
  done.json["max_diff"] = found.max_diff;
  std::string line = fmt::format("{:.1e} of the largest", found.max_diff);
  if (images) {
    done.json["images"] = found.images;
    done.json["top1_differ"] = found.top1_differ;
    done.json["near_ties"] = found.near_ties;
    line += fmt::format(" on {} test images, of which {} have another top-1", grouped(found.images), found.top1_differ);
    if (found.top1_differ > 0) line += fmt::format(" ({} near ties)", found.near_ties);
  }
  if (images ? !found.within(tolerance) : !(found.max_diff <= tolerance)) {
    throw Error(ErrorKind::check, fmt::format("{}: logits differ from {} by {}", out, against, line));
  }
  done.line += ", logits equal to " + line;
}

int do_export(const Context& context, const ExportArguments& options) {
  if (options.format != "onnx" && (options.given_opset->count() > 0 || options.given_style->count() > 0)) {
    throw Error(ErrorKind::usage, "--opset and --style are --format onnx's");
  }
  if (options.format != "packed" && options.calibrate > 0) {
    throw Error(ErrorKind::usage, "--calibrate is --format packed's: the other formats compute in floats");
  }
  const ExportFormat& format =
      *std::ranges::find_if(export_formats(), [&](const ExportFormat& one) { return one.name == options.format; });
  const bool images = !options.verify_images.empty(), verify = options.verify || images;
  const ModelFile file = open_model(options.model, true);
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  std::vector<float> expected;
  PackedModel packed = packed_model(file, *backend, verify ? &expected : nullptr);
  if (options.calibrate > 0) {
    calibrate(packed, *backend, calibration_images(packed, images_of(file, packed, *backend), options.calibrate));
  }
  const std::string out = options.out.empty() ? format.out : options.out;
  const OnnxStyle style = options.style == "qonnx" ? OnnxStyle::qonnx : OnnxStyle::standard;
  VerifyImages set;
  if (verify)
    set = images ? test_images(images_of(file, packed, *backend), packed, options.verify_images) : probe_of(packed);
  Exported done = format.write(packed, out, {options.opset, style}, verify ? &set : nullptr, *backend);
  done.json["format"] = options.format;
  done.json["from"] = file.path.string();
  if (verify && !done.unverified.empty()) {
    done.json["max_diff"] = nullptr;
    done.line += "; not verified: " + done.unverified;
  } else if (verify) {
    // On made-up images the packed file is held against the network that was packed, whose scales and biases may have
    // become halves; everything else against the packed model, by which `scnn eval` goes.
    const std::unique_ptr<Graph> graph = unpack(packed, *backend);
    const bool same = images || options.format != "packed";
    if (same) expected = graph_logits(*graph, set.normalized);
    const bool halves =
        !same && file.checkpoint && packed.quantized() && file.experiment->exporting.reals == RealForm::half;
    hold(done, out, file.path.string(), expected, graph->classes(), images,
         halves   ? 1e-2
         : images ? engine_rounding
                  : 1e-4);
    if (!packed.activations.empty()) done.line += ", with activations of floats; scnn eval tells what bytes cost";
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
  auto options = std::make_shared<ExportArguments>();
  CLI::App* command =
      program.add_subcommand("export", "write a network as a packed model, NumPy archive, ONNX file or C source");
  add_model(*command, "MODEL", options->model);
  std::vector<std::string> names;
  std::string docs, outs;
  for (const ExportFormat& format : export_formats()) {
    names.emplace_back(format.name);
    docs += fmt::format("{}{} ({})", docs.empty() ? "" : ", ", format.name, format.doc);
    outs += fmt::format("{}{}", outs.empty() ? "" : ", ", format.out);
  }
  one_of(command->add_option("--format", options->format, docs + "; default packed"), names);
  options->given_opset =
      one_of(command->add_option("--opset", options->opset, "ONNX: 13 (int8 weights, default) or 21 (int4 too)"),
             {"13", "21"});
  options->given_style = one_of(
      command->add_option("--style", options->style,
                          "ONNX: standard operators (default), or QONNX's Quant, which names each channel's bits"),
      {"standard", "qonnx"});
  command->add_option("-o,--output", options->out, "the file, of c a folder; default by format: " + outs)
      ->type_name("FILE");
  command->add_flag(
      "--verify", options->verify,
      "compute with what was written and compare the logits with the original's; takes ONNX Runtime for onnx, "
      "a C compiler for c");
  command
      ->add_option("--calibrate", options->calibrate,
                   "add scales for uint8 activations to the packed file, measured on N training images; 256 are enough")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command
      ->add_option("--verify-images", options->verify_images,
                   "verify on the first N test images of the run, or all.  The written file must give the logits "
                   "and classes of scnn eval, to 1e-5 of the largest logit")
      ->type_name("N|all")
      ->check([](const std::string& text) {
        const bool number =
            !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
        return text == "all" || (number && std::stol(text) > 0) ? "" : "a number from 1 on, or all";
      });
  command->callback(
      [&context, options] { context.action = [&context, options] { return do_export(context, *options); }; });
}

}  // namespace scnn::cli
