#include "settings/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "config/document.h"
#include "config/renamed_keys.h"
#include "scnn/data/batches.h"
#include "scnn/data/catalogue.h"
#include "scnn/settings/experiment.h"
#include "settings/model.h"
#include "settings/read.h"
#include "settings/sweep_section.h"
#include "settings/write.h"

namespace scnn {
namespace {

using namespace config;

bool good_run_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
}

void check_schedule(const ScheduleOptions& o, const std::string& path, const SettingsReader& reader,
                    Diagnostics& diagnostics) {
  if (o.type != ScheduleType::piecewise || o.epochs.empty() || o.factors.empty()) return;
  if (o.epochs.size() != o.factors.size()) {
    diagnostics.add({Code::conflict, fmt::format("{} epochs but {} factors", o.epochs.size(), o.factors.size()),
                     reader.place(path + ".factors"), path, "one factor for each point", ""});
  }
  if (std::adjacent_find(o.epochs.begin(), o.epochs.end(), std::greater_equal<>()) != o.epochs.end()) {
    diagnostics.add({Code::range, "'epochs' must increase", reader.place(path + ".epochs"), path, "", ""});
  }
}

/// What no single key can tell.
void check_together(const Experiment& e, const SettingsReader& reader, const Node& document, Diagnostics& diagnostics) {
  const auto conflict = [&](const std::string& path, const std::string& message, const std::string& note) {
    const std::size_t dot = path.rfind('.');
    diagnostics.add(
        {Code::conflict, message, reader.place(path), dot == std::string::npos ? "" : path.substr(0, dot), note, ""});
  };
  const CompressionOptions& c = e.compression;
  if (!good_run_name(e.name)) {
    diagnostics.add({Code::range, "'name' must be letters, digits, '_', '-' and '.', at most 100", reader.place("name"),
                     "", "it names a folder", ""});
  }
  if (e.device.type == "cpu" && e.device.precision != Precision::fp32) {
    conflict("device.precision", "the CPU computes in fp32",
             "tf32 and bf16 need device.type: cuda, or auto on a machine with a GPU");
  }
  if (e.device.type == "cpu" && e.device.convolution == ConvolutionPath::cudnn) {
    conflict("device.convolution", "the CPU has no cuDNN",
             "it needs device.type: cuda, or auto on a machine with a GPU");
  }
  if (e.device.precision == Precision::tf32 && e.device.convolution == ConvolutionPath::own) {
    conflict("device.convolution", "there are no own kernels in tf32",
             "set convolution: auto or cudnn, or precision: fp32 or bf16");
  }
  if (e.device.weight_quantization != WeightQuantization::automatic) {
    const char* belongs = "it belongs to device.precision: bf16 with own kernels";
    if (e.device.precision != Precision::bf16) {
      conflict("device.weight_quantization", "only bf16 convolutions have a choice of where weights are quantized",
               belongs);
    } else if (e.device.convolution == ConvolutionPath::cudnn) {
      conflict("device.weight_quantization", "weights are quantized before cuDNN multiplies them", belongs);
    }
  }
  if (c.type == CompressionType::self_compress) {
    const bool max_given = reader.place("compression.max_bits").source != nullptr;
    const auto at = [&](const char* path) {
      return reader.place(path).source || !max_given ? path : "compression.max_bits";
    };
    if (c.init_bits > c.max_bits) {
      conflict(at("compression.init.bits"), fmt::format("init.bits {} is above max_bits {}", c.init_bits, c.max_bits),
               "");
    }
    if (c.output_min_bits > c.max_bits) {
      conflict(at("compression.output_min_bits"),
               fmt::format("output_min_bits {} is above max_bits {}", c.output_min_bits, c.max_bits), "");
    }
    if (c.guard_tolerance > 0 && c.removal.epochs <= 0 && c.removal.steps <= 0) {
      conflict("compression.guard", "the guard looks before every removal, and there is none",
               "set removal, or guard: none");
    }
    if (c.target_bytes > 0 && c.gamma <= 0) {
      conflict("compression.target_bytes", "target_bytes moves gamma by factors, and gamma is 0",
               "set a gamma above 0 to start from");
    }
  }
  const double settles = 1 - c.settle_fraction;  // share of training where it begins
  if (settles < 1 && c.integer_exponents_from > settles + 1e-9 && c.integer_exponents_from < 1) {
    conflict(
        "compression.integer_exponents_from",
        fmt::format("exponents would become integers at {:g} of training, and stay from {:g} on, where the network "
                    "settles",
                    c.integer_exponents_from, settles),
        fmt::format("set at most {:g}", settles));
  }
  if (c.type == CompressionType::lsq && c.bits < 2) {
    conflict("compression.bits", fmt::format("bits is {}, lsq needs at least 2", c.bits), "with 1 there is no step up");
  }
  if (const DiffqOptions& d = c.diffq;
      c.type == CompressionType::diffq && !(d.min_bits < d.init_bits && d.init_bits < d.max_bits)) {
    // At the key that was written.
    const char* at = reader.place("compression.init.bits").source  ? "compression.init.bits"
                     : reader.place("compression.min_bits").source ? "compression.min_bits"
                                                                   : "compression.max_bits";
    conflict(
        at,
        fmt::format("init.bits {} must lie between min_bits {} and max_bits {}", d.init_bits, d.min_bits, d.max_bits),
        "their ends are where the sigmoid never comes");
  }
  if (c.type == CompressionType::magnitude_prune) {
    const std::vector<double>& at = c.prune.epochs;
    const bool whole = std::ranges::all_of(at, [](double epoch) { return epoch == std::floor(epoch); });
    if (!whole || std::ranges::adjacent_find(at, std::greater_equal<>()) != at.end()) {
      conflict("compression.prune.epochs", "'epochs' must be increasing whole numbers", "");
    } else if (!at.empty() && at.back() >= static_cast<double>(e.train.epochs)) {
      conflict("compression.prune.epochs",
               fmt::format("channels go after epoch {}, training has {}", at.back(), e.train.epochs),
               "what is left needs an epoch to learn without them");
    } else if (const double last = settles * static_cast<double>(e.train.epochs);
               !at.empty() && at.back() > last + 1e-9) {
      conflict("compression.prune.epochs",
               fmt::format("channels go after epoch {}, and from epoch {:g} on the network settles", at.back(), last),
               "");
    }
    if (c.removal.epochs <= 0 && c.removal.steps <= 0) {
      conflict("compression.removal", "without removal pruned channels would stay in the network as zeros", "");
    }
  }
  if (const std::string problem = augment_problem(e.data.augment); !problem.empty()) {
    conflict("data.augment", problem, "");
  }
  if (e.data.mean.size() != e.data.std.size()) {
    conflict("data.normalize.std", fmt::format("{} means but {} stds", e.data.mean.size(), e.data.std.size()),
             "one of each for each channel");
  }
  const OptimizerOptions& optimizer = e.train.optimizer;
  if (optimizer.nesterov && optimizer.momentum <= 0) {
    conflict("train.optimizer.nesterov", "nesterov needs a momentum above 0", "");
  }
  if (optimizer.type == OptimizerType::sgd) {
    for (std::size_t i = 0; i < optimizer.groups.size(); ++i) {
      if (optimizer.groups[i].eps) {
        conflict(fmt::format("train.optimizer.groups[{}].eps", i), "'eps' does not exist for sgd",
                 "it belongs to adam, adamw");
      }
    }
  }
  check_schedule(e.train.schedule, "train.schedule", reader, diagnostics);
  for (std::size_t i = 0; i < optimizer.groups.size(); ++i) {
    if (!optimizer.groups[i].schedule) continue;
    check_schedule(*optimizer.groups[i].schedule, fmt::format("train.optimizer.groups[{}].schedule", i), reader,
                   diagnostics);
  }
  if (e.model.empty()) return;
  const auto& input = std::get<InputSpec>(e.model[0].options);
  const DataShape images = data_shape(e.data);
  const Node* model = document.find("model");
  const Node* given = model ? model->find("input") : nullptr;
  if (e.data.type == "image_folder" && e.data.image_folder.channels != 1 && e.data.image_folder.channels != 3) {
    conflict("data.channels", fmt::format("'channels' is {}", e.data.image_folder.channels),
             "of images 1, grey, or 3, red, green and blue");
  }
  const bool policy = std::ranges::any_of(
      e.data.augment, [](const Augmentation& one) { return std::holds_alternative<AutoAugment>(one); });
  if (policy && input.channels != 1 && input.channels != 3) {
    conflict("data.augment", fmt::format("auto_augment takes grey or RGB images, not {} channels", input.channels), "");
  }
  if ((e.data.type == "image_folder" || e.data.type == "arrays") && e.data.root == "auto") {
    conflict("data.root", "'root' is auto", "that is for published sets: name the folder of your own");
  }
  if (images.channels == 0) return;                                      // only the files tell
  if (e.data.type == "image_folder" && diagnostics.has("data")) return;  // its shape may be the mistake
  const bool same = input.channels == images.channels && input.h == images.h && input.w == images.w;
  const Node* type = document.find("data") ? document.find("data")->find("type") : nullptr;
  const bool mistaken = type == nullptr || type->text != e.data.type;  // a mistake of its own was told already
  if (given && !same && !mistaken && reader.place("data.type").source) {
    diagnostics.add({Code::conflict,
                     fmt::format("the network takes [{}, {}, {}], {} has [{}, {}, {}]", input.channels, input.h,
                                 input.w, e.data.type, images.channels, images.h, images.w),
                     given->place, "model",
                     fmt::format("write input: [{}, {}, {}]", images.channels, images.h, images.w), ""});
  }
  if (!e.data.mean.empty() && e.data.mean.size() != static_cast<std::size_t>(images.channels)) {
    conflict("data.normalize.mean", fmt::format("{} means for {} channels", e.data.mean.size(), images.channels), "");
  }
}

void read_init(const Node& init, InitialWeights& weights, SourceLocations& locations, Diagnostics& diagnostics) {
  if (init.kind == Kind::invalid) return;
  if (init.kind != Kind::map) {
    diagnostics.add({Code::wrong_type, "'init' must be a map, not " + init.describe(), init.place, "model",
                     "write init: {from: FILE}", ""});
    return;
  }
  SettingsReader reader(init, "model.init", {}, diagnostics);
  config::visit(reader, weights);
  reader.finish();
  locations.settings = reader.locations();
  locations.settings["model.init"] = init.place;
}

}  // namespace

Experiment config::read_document(const Node& document, const std::string& name, Diagnostics& diagnostics) {
  const std::size_t mistakes_before = diagnostics.count();
  Experiment experiment;
  experiment.name = name;
  if (document.kind == Kind::map) {
    Resolver resolver(document, diagnostics);
    Node settings;
    settings.kind = Kind::map;
    settings.place = document.place;
    const Node* model = nullptr;
    auto locations = std::make_shared<SourceLocations>();
    for (const Entry& entry : document.entries) {
      if (entry.key == "model") {
        model = &entry.value;
      } else if (entry.key == "sweep") {
        (void)read_sweep(entry.value, resolver, diagnostics);
      } else {
        settings.entries.push_back({entry.key, entry.place, resolver.resolve(entry.value, {})});
      }
    }
    SettingsReader reader(settings, "", {"model", "sweep", "extends"}, diagnostics);
    config::visit(reader, experiment);
    reader.finish();
    if (!model) {
      diagnostics.add({Code::missing, "the key 'model' is missing", document.place, "", "the network", ""});
    } else if (model->kind == Kind::map) {
      experiment.model = read_model(*model, resolver, *locations, diagnostics);
      if (const Node* init = model->find("init")) {
        read_init(resolver.resolve(*init, {}), experiment.init, *locations, diagnostics);
      }
    } else if (model->kind != Kind::invalid) {
      diagnostics.add({Code::wrong_type, "'model' must be a map, not " + model->describe(), model->place, "", "", ""});
    }
    check_together(experiment, reader, document, diagnostics);
    locations->document = document.place;
    locations->settings.insert(reader.locations().begin(), reader.locations().end());
    if (model) locations->settings["model"] = model->place;
    if (!locations->layers.empty()) locations->settings["model.input"] = locations->layers.front();
    experiment.locations = std::move(locations);
  }
  if (diagnostics.count() == mistakes_before) experiment.yaml = write_experiment(experiment);
  return experiment;
}

std::string write_experiment(const Experiment& experiment) {
  SettingsWriter writer;
  Experiment copy = experiment;
  config::visit(writer, copy);
  Node document = writer.take();
  // After `data`, where a reader expects it.
  const auto data = std::find_if(document.entries.begin(), document.entries.end(),
                                 [](const Entry& entry) { return entry.key == "data"; });
  Node model = write_model(experiment.model);
  if (!experiment.init.from.empty()) {
    SettingsWriter init;
    config::visit(init, copy.init);
    put(model, "init", init.take());
  }
  document.entries.insert(data + 1, {"model", {}, std::move(model)});
  return emit_yaml(document);
}

Experiment load_experiment(const std::filesystem::path& file, std::span<const std::string> overrides) {
  Diagnostics diagnostics;
  Node document = load_document(file, overrides, diagnostics);
  expand_model_file(document, diagnostics);
  Experiment experiment = read_document(document, file.stem().string(), diagnostics);
  diagnostics.raise();
  return experiment;
}

Experiment parse_experiment(const std::string& text, const std::string& where) { return parse_with(text, where, {}); }

Experiment config::parse_with(const std::string& text, const std::string& where,
                              std::span<const std::string> overrides) {
  Diagnostics diagnostics;
  auto source = std::make_shared<Source>();
  source->name = where;
  source->lines = split_lines(text);
  Node document = parse_yaml(text, source, diagnostics);
  rename_old_keys(document, Author::program, diagnostics);
  apply_overrides(document, overrides, diagnostics);
  Experiment experiment = read_document(document, "experiment", diagnostics);
  diagnostics.raise();
  return experiment;
}

}  // namespace scnn
