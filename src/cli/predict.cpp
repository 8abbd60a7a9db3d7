#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "core/escape.h"
#include "core/file.h"
#include "core/numpy_file.h"
#include "data/image/decode.h"
#include "data/image/resize.h"
#include "export/loaded_runtime.h"
#include "run/model_file.h"
#include "scnn/run/run.h"

namespace scnn::cli {
namespace {

using Json = nlohmann::ordered_json;

struct PredictArguments {
  std::string model;
  std::vector<std::string> images;
  int top = 5, threads = 1;
  std::string activations;
};

std::vector<double> softmax(const std::vector<float>& logits) {
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> p;
  for (const float logit : logits) p.push_back(std::exp(logit - largest));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

/// Classifies everything it is given, and keeps what is to be printed.
class Predictions {
 public:
  Predictions(const LoadedRuntime& runtime, ImageFit fit, int top) : runtime_(runtime), fit_(fit), top_(top) {}

  void add(const std::string& path) {
    const bool npz = path.ends_with(".npz");
    npz || path.ends_with(".npy") ? add_array(path, npz) : add_image(path);
  }
  [[nodiscard]] const Json& json() const { return json_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add_image(const std::string& path) {
    const scnn_rt_info info = runtime_.info();
    if (info.channels != 1 && info.channels != 3) {
      throw Error(ErrorKind::usage, fmt::format("{}: the model reads images of {} channels, not grey or colour ones; "
                                                "give it arrays (.npy, .npz)",
                                                path, info.channels));
    }
    const std::vector<std::byte> bytes = read_file(path, ErrorKind::data);
    std::vector<std::uint8_t> pixels(runtime_.image_size());
    try {
      fit_image(decode_image(bytes), fit_, info.height, info.width, info.channels, pixels.data());
    } catch (const ImageError& error) {
      throw Error(ErrorKind::data, fmt::format("{}: {}", path, error.what()));
    }
    note(path, runtime_.logits(std::span<const std::uint8_t>(pixels)));
  }

  static NumpyArray only_array(const std::string& path) {
    const NpzFile file(path, ErrorKind::data);
    if (file.names().size() == 1) return file.read(file.names().front());
    for (const char* name : {"x", "images", "x_test"}) {
      if (file.contains(name)) return file.read(name);
    }
    throw Error(ErrorKind::data,
                fmt::format("{}: it holds {} arrays: {}; the images must be its only one, or named x, images or x_test",
                            path, file.names().size(), fmt::join(file.names(), ", ")));
  }

  /// [n, h, w, c], without c where it is 1, without n where there is one image.
  void add_array(const std::string& path, bool npz) {
    const NumpyArray array = npz ? only_array(path) : read_npy(path, ErrorKind::data);
    const scnn_rt_info info = runtime_.info();
    const bool pixels = array.kind == 'u' && array.width == 1;
    std::vector<std::int64_t> shape = array.shape;
    const std::vector<std::int64_t> image = {info.height, info.width, info.channels};
    if (info.channels == 1 && !shape.empty() && (shape.size() == 2 || (shape.size() == 3 && shape.back() != 1))) {
      shape.push_back(1);
    }
    if (shape.size() == 3) shape.insert(shape.begin(), 1);
    if (shape.size() != 4 || !std::equal(image.begin(), image.end(), shape.begin() + 1) ||
        (!pixels && array.kind != 'f')) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: it is {} of shape {}; the model reads {}x{}x{} images: uint8 pixels, or floats that "
                              "are already normalized",
                              array.where, array.type(), array.shape_text(), info.height, info.width, info.channels));
    }
    const std::size_t size = runtime_.image_size();
    std::vector<float> normalized(pixels ? 0 : size);
    for (std::int64_t n = 0; n < shape[0]; ++n) {
      const std::size_t first = static_cast<std::size_t>(n) * size;
      for (std::size_t i = 0; i < normalized.size(); ++i) normalized[i] = static_cast<float>(array.number(first + i));
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(array.data.data()) + first;
      note(fmt::format("{}[{}]", path, n),
           pixels ? runtime_.logits(std::span(bytes, size)) : runtime_.logits(std::span<const float>(normalized)));
    }
  }

  void note(const std::string& image, const std::vector<float>& logits) {
    const std::vector<double> p = softmax(logits);
    std::vector<int> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(
        order, [&](int a, int b) { return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)]; });
    order.resize(std::min(order.size(), static_cast<std::size_t>(top_)));
    Json classes = Json::array();
    text_ += escape_control_characters(image) + '\n';
    for (const int index : order) {
      const auto i = static_cast<std::size_t>(index);
      classes.push_back(
          {{"index", index}, {"class", runtime_.label(index)}, {"probability", p[i]}, {"logit", logits[i]}});
      text_ += fmt::format("  {:5.1f}%  {}\n", 100 * p[i], escape_control_characters(runtime_.label(index)));
    }
    json_.push_back({{"image", image}, {"top", std::move(classes)}});
  }

  const LoadedRuntime& runtime_;
  ImageFit fit_;
  int top_;
  Json json_ = Json::array();
  std::string text_;
};

int predict(const Context& context, const PredictArguments& options) {
  const ModelFile file = open_model(options.model);
  std::vector<std::byte> bytes;
  if (file.checkpoint) {
    const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
    bytes = encode(packed_model(file, *backend));
  } else {
    bytes = read_file(file.path, ErrorKind::checkpoint);
  }
  const LoadedRuntime runtime(bytes, file.path.string(),
                              {options.threads, SCNN_RT_AUTO,
                               options.activations == "floats"  ? SCNN_RT_FLOATS
                               : options.activations == "bytes" ? SCNN_RT_BYTES
                                                                : SCNN_RT_AS_CALIBRATED});
  const ImageFit fit = file.experiment ? file.experiment->data.image_folder.fit : ImageFit::crop;
  Predictions predictions(runtime, fit, options.top);
  for (const std::string& image : options.images) predictions.add(image);
  if (context.json) {
    const Json json = {{"model", file.path.string()},
                       {"code", runtime.info().path},
                       {"byte_layers", runtime.info().byte_layers},
                       {"images", predictions.json()}};
    std::cout << json.dump(2, ' ', true, Json::error_handler_t::replace) << '\n';
  } else {
    std::cout << predictions.text();
  }
  return 0;
}

}  // namespace

void add_predict(CLI::App& program, Context& context) {
  auto options = std::make_shared<PredictArguments>();
  CLI::App* command = program.add_subcommand("predict", "classify images with the C runtime");
  add_model(*command, "MODEL", options->model);
  command
      ->add_option("IMAGE", options->images,
                   "JPEG or PNG files, brought to the network's size, or arrays (.npy, .npz): uint8 pixels, or floats "
                   "already normalized")
      ->required()
      ->option_text(" ");
  command->add_option("--top", options->top, "how many classes of each image; default 5")
      ->check(CLI::Range(1, 65'535).description(""))
      ->type_name("N");
  command->add_option("--threads", options->threads, "threads; default 1")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("N");
  one_of(command->add_option("--activations", options->activations,
                             "what layers hand on; default bytes where the file was calibrated (export --calibrate)"),
         {"floats", "bytes"});
  command->callback(
      [&context, options] { context.action = [&context, options] { return predict(context, *options); }; });
}

}  // namespace scnn::cli
