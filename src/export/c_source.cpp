#include "export/c_source.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/file.h"
#include "export/c_arrays.h"
#include "export/c_code.h"
#include "runtime/plan.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

using namespace deploy;

/// What is in a packed file and the steps it becomes: the runtime's own reader and planner.
class OpenPlan {
 public:
  explicit OpenPlan(const std::vector<std::byte>& file) {
    scnn_rt_error error = {};
    const scnn_rt_status status = rt_open_plan(&loading_, file.data(), file.size(), &model, &plan, &error);
    if (status == SCNN_RT_OK) return;
    rt_release(&loading_);
    throw Error(status == SCNN_RT_MEMORY ? ErrorKind::memory : ErrorKind::checkpoint,
                std::string("the network cannot be written as C: ") + error.message);
  }
  OpenPlan(const OpenPlan&) = delete;
  OpenPlan& operator=(const OpenPlan&) = delete;
  ~OpenPlan() { rt_release(&loading_); }

  rt_model model = {};
  rt_plan plan = {};

 private:
  rt_loading loading_ = {};
};

/// "Fashion-MNIST 2" -> "fashion_mnist_2"
std::string identifier(const std::string& name) {
  std::string made;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
    if (letter) made += static_cast<char>(c | 0x20);
    if (digit || (!letter && !made.empty() && made.back() != '_')) made += digit ? c : '_';
  }
  while (!made.empty() && made.back() == '_') made.pop_back();
  return made.empty() || (made[0] >= '0' && made[0] <= '9') ? made.insert(0, made.empty() ? "net" : "net_") : made;
}

std::string number(std::int64_t value) { return std::to_string(value); }

/// name = {a, b, ...};
std::string record(const char* type, const std::string& name, std::initializer_list<std::string> values) {
  std::string text = "static const " + std::string(type) + " " + name + " = {";
  for (const std::string& value : values) text += (text.back() == '{' ? "" : ", ") + value;
  return text + "};\n\n";
}

class Generator {
 public:
  explicit Generator(const PackedModel& model)
      : model_(model), open_(encode(model)), name_(identifier(model.name.empty() ? "net" : model.name)) {
    upper_ = name_;
    for (char& c : upper_) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  }

  CSource generate() {
    for (int s = 0; s < open_.plan.steps; ++s) step(open_.plan.step[s], s);
    CSource made;
    made.name = name_;
    made.header = header();
    made.source = source();
    made.example = example();
    made.constant_bytes = arrays_.bytes();
    made.static_bytes = 4 * (open_.plan.arena + row_);
    return made;
  }

 private:
  [[nodiscard]] const rt_tensor& tensor(int index) const { return open_.plan.tensor[index]; }
  [[nodiscard]] std::string place(int index) const {
    return std::string("arena + ") + number(static_cast<std::int64_t>(tensor(index).place));
  }

  void step(const rt_step& s, int index) {
    const rt_tensor& out = tensor(s.out);
    if (out.c == 0 || s.op == rt_op_input) return;
    const std::string suffix = std::string("_") + number(index), to = place(s.out);
    const std::string places = number(out.h * out.w), c = number(out.c), relu = number(s.relu);
    const std::string layer = s.layer->name;
    calls_ += "  /* " + arrays_.comment(layer) + " */\n";
    if (s.op == rt_op_conv || s.op == rt_op_winograd || s.op == rt_op_depthwise) {
      convolution(s, suffix);
      calls_ += "  convolve(&layer" + suffix + ", " + place(s.in) + ", " + to + ");\n";
    } else if (s.op == rt_op_affine) {
      has_affine_ = true;
      terms(s, suffix);
      calls_ += "  affine(" + place(s.in) + ", " + to + ", " + places + ", " + c + ", multiply" + suffix + ", add" +
                suffix + ", " + relu + ");\n";
    } else if (s.op == rt_op_pool) {
      has_pool_ = true;
      const rt_tensor& in = tensor(s.in);
      data_ +=
          record("pooling", "pool" + suffix,
                 {number(in.h), number(in.w), c, number(out.h), number(out.w), number(s.kernel.h), number(s.kernel.w),
                  number(s.stride.h), number(s.stride.w), number(s.pad.h), number(s.pad.w), number(s.average)});
      calls_ += "  pool(&pool" + suffix + ", " + place(s.in) + ", " + to + ");\n";
    } else {
      calls_ += "  memset(" + to + ", 0, " + number(out.h * out.w * out.c) + " * sizeof(float));\n";
      join(s, suffix);
    }
  }

  void terms(const rt_step& s, const std::string& suffix) {
    const auto size = static_cast<std::size_t>(tensor(s.out).c);
    data_ += arrays_.floats("multiply" + suffix, {s.multiply_of, s.multiply_of + size});
    data_ += arrays_.floats("add" + suffix, {s.add_of, s.add_of + size});
  }

  void join(const rt_step& s, const std::string& suffix) {
    const rt_set& out = *s.layer->set;
    std::int64_t offset = 0;
    for (int k = 0; k < s.sources; ++k) {
      const rt_set& in = *open_.model.layer[s.layer->from[k]].set;
      const std::int64_t block = s.gathers != 0 ? out.original / in.original : 1;
      std::vector<std::int64_t> map;
      for (int i = 0; i < out.live; ++i) {
        const std::int64_t channel = s.gathers != 0 ? out.channels[i] / block : out.channels[i] - offset;
        const auto* end = in.channels + in.live;
        const auto* at = std::find(in.channels, end, channel);
        map.push_back(at == end ? -1 : at - in.channels);
      }
      if (s.layer->type == rt_concat) offset += in.original;
      if (std::ranges::all_of(map, [](std::int64_t from) { return from < 0; })) continue;
      has_join_ = true;
      const std::string name = "map" + suffix + "_" + number(k);
      data_ += arrays_.whole("int32_t", 4, name, map);
      const rt_tensor& from = tensor(s.source[k].tensor);
      calls_ += "  join(" + place(s.source[k].tensor) + ", " + number(from.c) + ", " + name + ", " + place(s.out) +
                ", " + number(from.h * from.w) + ", " + number(out.live) + ");\n";
    }
  }

  /// Which inputs output channel `o` of a grouped convolution reads: position of the first, and how many live.
  static std::pair<std::int64_t, std::int64_t> group_of(const rt_layer& layer, const rt_set& in, int o) {
    const std::int64_t inputs = in.original / layer.groups;
    const std::int64_t number = layer.set->channels[o] / (layer.set->original / layer.groups);
    const auto* first = std::lower_bound(in.channels, in.channels + in.live, number * inputs);
    const auto* last = std::lower_bound(first, in.channels + in.live, (number + 1) * inputs);
    return {first - in.channels, last - first};
  }

  void convolution(const rt_step& s, const std::string& suffix) {
    const rt_layer& layer = *s.layer;
    const rt_set& in_set = *open_.model.layer[layer.from[0]].set;
    const rt_tensor &in = tensor(s.in), &out = tensor(s.out);
    const bool depthwise = s.op == rt_op_depthwise, grouped = !depthwise && layer.groups > 1;
    const std::int64_t taps = layer.kernel.h * layer.kernel.w;
    std::vector<std::vector<std::int64_t>> integers;
    std::vector<double> real;
    std::vector<std::int64_t> groups;
    for (int o = 0; o < layer.set->live; ++o) {
      const auto [first, inputs] = depthwise ? std::pair<std::int64_t, std::int64_t>{o, 1}
                                   : grouped ? group_of(layer, in_set, o)
                                             : std::pair<std::int64_t, std::int64_t>{0, in.c};
      groups.insert(groups.end(), {first, inputs});
      integers.emplace_back();
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        for (std::int64_t i = 0; i < inputs; ++i) {
          const std::int64_t column = depthwise ? 0
                                      : grouped ? in_set.channels[first + i] % (in_set.original / layer.groups)
                                                : i;
          const auto at =
              static_cast<std::size_t>(o) * layer.row + static_cast<std::size_t>(tap * layer.columns + column);
          if (layer.real != nullptr) real.push_back(layer.real[at]);
          if (layer.real == nullptr) integers.back().push_back(layer.integers[at]);
        }
      }
      row_ = std::max(row_, static_cast<std::size_t>(taps * inputs));
    }
    const std::string name = "weights" + suffix;
    data_ +=
        layer.real != nullptr ? arrays_.float_weights(name, real) : arrays_.integers(name, "ranges" + suffix, integers);
    if (grouped) data_ += arrays_.pairs("groups" + suffix, groups);
    terms(s, suffix);
    data_ += record("convolution", "layer" + suffix,
                    {number(in.h),
                     number(in.w),
                     number(in.c),
                     number(out.h),
                     number(out.w),
                     number(out.c),
                     number(s.pool != nullptr ? s.pool->kernel.h : 1),
                     number(s.pool != nullptr ? s.pool->kernel.w : 1),
                     number(s.pool != nullptr ? s.pool->stride.h : 1),
                     number(s.pool != nullptr ? s.pool->stride.w : 1),
                     number(s.pool != nullptr ? s.pool->average : 0),
                     number(s.kernel.h),
                     number(s.kernel.w),
                     number(s.stride.h),
                     number(s.stride.w),
                     number(s.dilation.h),
                     number(s.dilation.w),
                     number(s.pad.h),
                     number(s.pad.w),
                     number(s.relu),
                     number(arrays_.last_form()),
                     number(depthwise ? 1 : 0),
                     name,
                     arrays_.last_form() == 0 ? "ranges" + suffix : "0",
                     grouped ? "groups" + suffix : "0",
                     "multiply" + suffix,
                     "add" + suffix});
    has_convolution_ = true;
  }

  [[nodiscard]] std::string size_of_image() const {
    return upper_ + "_HEIGHT * " + upper_ + "_WIDTH * " + upper_ + "_CHANNELS";
  }

  [[nodiscard]] std::string header() const {
    const rt_layer& input = open_.model.layer[0];
    const rt_set& classes = *open_.model.layer[open_.model.layers - 1].set;
    std::string text = "/* Generated by scnn: the network '" + arrays_.comment(model_.name) +
                       "'.  C99, no library, no malloc. */\n#ifndef " + upper_ + "_H\n#define " + upper_ +
                       "_H\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    const std::pair<const char*, std::int64_t> sizes[] = {{"_HEIGHT ", input.h},
                                                          {"_WIDTH ", input.w},
                                                          {"_CHANNELS ", input.set->original},
                                                          {"_CLASSES ", classes.original}};
    for (const auto& [what, size] : sizes) text += "#define " + upper_ + what + number(size) + "\n";
    if (!model_.class_names.empty())
      text += "\nextern const char *const " + name_ + "_classes[" + upper_ + "_CLASSES];\n";
    text +=
        "\n/* Logits [CLASSES] of an image [HEIGHT, WIDTH, CHANNELS]: already normalized, or pixels 0 to 255.  "
        "Activations\n"
        "   are static: one call at a time. */\nvoid " +
        name_ + "_run(const float *image, float *logits);\nvoid " + name_ +
        "_run_u8(const uint8_t *image, float *logits);\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
    return text;
  }

  [[nodiscard]] std::string source() {
    const std::string image = size_of_image(), input = place(open_.plan.step[0].out);
    std::string text = "/* Generated by scnn. */\n#include \"" + name_ + ".h\"\n\n#include <string.h>\n\n";
    if (has_convolution_) {
      if (arrays_.has_form(0)) {
        std::string code = c_code::bits;
        code.replace(code.find("MINIMUM"), 7, arrays_.minimum_type());
        text += code;
      }
      std::string code = c_code::weights;
      code.replace(code.find("ROW"), 3, number(static_cast<std::int64_t>(std::max<std::size_t>(row_, 1))));
      code.replace(code.find("FORMS"), 5, arrays_.cases());
      text += code + c_code::convolution;
    }
    if (has_affine_) text += c_code::affine;
    if (has_pool_) text += c_code::pool;
    if (has_join_) text += c_code::join;
    text += data_;
    if (!model_.class_names.empty()) {
      text += "const char *const " + name_ + "_classes[" + upper_ + "_CLASSES] = {\n";
      for (const std::string& label : model_.class_names) text += "    " + arrays_.quoted(label) + ",\n";
      text += "};\n\n";
    }
    std::vector<double> multiply, add;
    const auto channels = static_cast<std::size_t>(open_.model.layer[0].set->original);
    for (std::size_t c = 0; c < channels; ++c) {
      const bool normalized = !model_.normalization.mean.empty();
      const double std = normalized ? static_cast<double>(model_.normalization.std[c]) : 1.0;
      multiply.push_back(1 / (255.0 * std));
      add.push_back(normalized ? -static_cast<double>(model_.normalization.mean[c]) / std : 0.0);
    }
    text += arrays_.floats("pixel_multiply", multiply) + arrays_.floats("pixel_add", add);
    text += "/* Activations that are never needed together lie in the same place. */\nstatic float arena[" +
            number(static_cast<std::int64_t>(open_.plan.arena)) + "];\n\nstatic void run(float *logits) {\n" + calls_ +
            "  memcpy(logits, " + place(open_.plan.logits) + ", " + upper_ + "_CLASSES * sizeof(float));\n}\n\n";
    text += "void " + name_ + "_run(const float *image, float *logits) {\n  memcpy(" + input + ", image, " + image +
            " * sizeof(float));\n  run(logits);\n}\n\n";
    text += "void " + name_ + "_run_u8(const uint8_t *image, float *logits) {\n  float *x = " + input +
            ";\n  int32_t i;\n  for (i = 0; i < " + image +
            "; ++i) {\n    x[i] = (float)image[i] * pixel_multiply[i % " + upper_ + "_CHANNELS] + pixel_add[i % " +
            upper_ + "_CHANNELS];\n  }\n  run(logits);\n}\n";
    return text;
  }

  [[nodiscard]] std::string example() const {
    const std::string label = model_.class_names.empty() ? "\"\"" : name_ + "_classes[i]";
    return "/* Reads the bytes of one image, HEIGHT x WIDTH x CHANNELS, and prints its logits.\n"
           "   cc -std=c99 -O2 -o example main.c " +
           name_ + ".c && ./example < image.bin */\n#include <stdio.h>\n\n#include \"" + name_ +
           ".h\"\n\nint main(void) {\n  static uint8_t image[" + size_of_image() + "];\n  static float logits[" +
           upper_ +
           "_CLASSES];\n  int i;\n  if (fread(image, 1, sizeof(image), stdin) != sizeof(image)) {\n"
           "    fprintf(stderr, \"an image has %lu bytes\\n\", (unsigned long)sizeof(image));\n    return 1;\n  }\n  " +
           name_ + "_run_u8(image, logits);\n  for (i = 0; i < " + upper_ +
           "_CLASSES; ++i) printf(\"%d %s %g\\n\", i, " + label + ", (double)logits[i]);\n  return 0;\n}\n";
  }

  const PackedModel& model_;
  OpenPlan open_;
  std::string name_, upper_, data_, calls_;
  CArrays arrays_;
  std::size_t row_ = 0;
  bool has_convolution_ = false, has_affine_ = false, has_pool_ = false, has_join_ = false;
};

}  // namespace

CSource c_source(const PackedModel& model) { return Generator(model).generate(); }

void write_c_source(const CSource& source, const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw Error(ErrorKind::run_folder, folder.string() + ": " + failed.message() + "; name another folder");
  write_file(folder / (source.name + ".h"), source.header);
  write_file(folder / (source.name + ".c"), source.source);
  write_file(folder / "main.c", source.example);
}

}  // namespace scnn
