#include "cli/export_formats.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "core/file.h"
#include "export/c_source.h"
#include "export/loaded_runtime.h"
#include "export/npz.h"
#include "measure/onnx_runtime.h"

namespace scnn::cli {
namespace {

/// Of a format that is one file.
Exported one_file(const std::string& out) {
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(out));
  return {{{"file", out}, {"file_bytes", bytes}}, fmt::format("{} bytes", bytes), "", "", {}};
}

Exported packed(const PackedModel& model, const std::string& out, const OnnxOptions& /*onnx*/,
                const VerifyImages* verify, Backend& backend) {
  write_file(out, encode(model));
  Exported done = one_file(out);
  if (verify == nullptr) return done;
  const std::vector<std::byte> file = read_file(out, ErrorKind::checkpoint);
  // Against the checkpoint, whose numbers the file rounds, by the program; the program's own figures by the C runtime.
  done.logits =
      verify->pixels.defined()
          ? LoadedRuntime(file, out, {1, SCNN_RT_AUTO, SCNN_RT_FLOATS}).logits(verify->pixels.values<std::uint8_t>())
          : graph_logits(*unpack(decode(file, out), backend), verify->normalized);
  return done;
}

Exported npz(const PackedModel& model, const std::string& out, const OnnxOptions& /*onnx*/, const VerifyImages* verify,
             Backend& backend) {
  write_npz(model, out);
  Exported done = one_file(out);
  if (verify != nullptr) done.logits = graph_logits(*unpack(read_npz(out, model), backend), verify->normalized);
  return done;
}

Exported onnx(const PackedModel& model, const std::string& out, const OnnxOptions& options, const VerifyImages* verify,
              Backend& /*backend*/) {
  const bool qonnx = options.style == OnnxStyle::qonnx;
  if (verify != nullptr && qonnx) {
    throw Error(ErrorKind::usage, "--verify computes with ONNX Runtime, which has no Quant: verify the standard style");
  }
  const std::string python = verify != nullptr ? onnx_python() : "";
  const OnnxFile file = encode_onnx(model, options);
  write_file(out, file.bytes);
  Exported done = one_file(out);
  done.json["opset"] = options.opset;
  done.json["style"] = qonnx ? "qonnx" : "standard";
  done.json["weights"] = nlohmann::ordered_json::object();
  std::map<std::string, int> counts;
  for (const OnnxWeights& layer : file.weights) {
    done.json["weights"][layer.layer] = layer.form;
    ++counts[layer.form];
    if (!layer.given) continue;
    done.remarks += fmt::format("{}: float weights, its integers take more bits than {}\n", layer.layer,
                                qonnx ? "the 22 that a Quant of float32 holds" : "the 8 of int8");
  }
  std::string line;
  for (const auto& [form, count] : counts) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, form);
  done.remarks = fmt::format("layers with weights: {}\n", line) + done.remarks;
  if (verify == nullptr) return done;
  done.logits = verify->pixels.defined() ? onnx_runtime_logits(python, out, verify->pixels)
                                         : onnx_runtime_logits(python, out, verify->normalized, model.normalization);
  return done;
}

Exported c(const PackedModel& model, const std::string& out, const OnnxOptions& /*onnx*/, const VerifyImages* verify,
           Backend& backend) {
  const CSource source = c_source(model);
  write_c_source(source, out);
  Exported done;
  done.json = {{"folder", out},
               {"files", {source.name + ".h", source.name + ".c", "main.c"}},
               {"constant_bytes", source.constant_bytes},
               {"static_bytes", source.static_bytes}};
  done.line = fmt::format("{0}.h, {0}.c, main.c; {1} bytes of constants, {2} of static memory", source.name,
                          source.constant_bytes, source.static_bytes);
  if (verify == nullptr) return done;
  const auto values = verify->normalized.values<float>();
  const auto n = static_cast<std::size_t>(verify->normalized.shape()[0]);
  const auto classes = static_cast<std::size_t>(unpack(model, backend)->classes());
  if (auto found = compiled_logits(source, {values.data(), values.size()}, n, classes)) {
    done.logits = std::move(*found);
  } else {
    done.unverified = "no C compiler (none of $CC, cc, gcc and clang runs)";
  }
  return done;
}

}  // namespace

const std::vector<ExportFormat>& export_formats() {
  static const std::vector<ExportFormat> all = {{"packed", "the packed file", "model.scnn", packed},
                                                {"npz", "arrays for NumPy", "model.npz", npz},
                                                {"onnx", "for ONNX Runtime and others", "model.onnx", onnx},
                                                {"c", "C99 source, a folder", "model_c", c}};
  return all;
}

}  // namespace scnn::cli
