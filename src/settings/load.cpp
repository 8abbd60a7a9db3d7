#include "settings/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "config/document.h"
#include "config/renamed_keys.h"
#include "scnn/compress/method.h"
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

/// Conflicts at the lines where the settings stand.
class PlacedConflicts final : public Conflicts {
 public:
  PlacedConflicts(const SettingsReader& reader, Diagnostics& diagnostics)
      : reader_(reader), diagnostics_(diagnostics) {}
  void add(const std::string& setting, const std::string& message, const std::string& note) override {
    const std::size_t dot = setting.rfind('.');
    diagnostics_.add({Code::conflict, message, reader_.place(setting),
                      dot == std::string::npos ? "" : setting.substr(0, dot), note, ""});
  }
  [[nodiscard]] bool given(const std::string& setting) const override {
    return reader_.place(setting).source != nullptr;
  }

 private:
  const SettingsReader& reader_;
  Diagnostics& diagnostics_;
};

/// Whether the network takes the images that the data set has.
void check_images(const Experiment& e, const Node& document, Conflicts& conflicts, Diagnostics& diagnostics) {
  if (e.model.empty()) return;
  const auto& input = std::get<InputSpec>(e.model[0].options);
  const DataShape images = data_shape(e.data);
  const Node* model = document.find("model");
  const Node* given = model ? model->find("input") : nullptr;
  const bool policy = std::ranges::any_of(
      e.data.augment, [](const Augmentation& one) { return std::holds_alternative<AutoAugment>(one); });
  if (policy && input.channels != 1 && input.channels != 3) {
    conflicts.add("data.augment",
                  fmt::format("auto_augment takes grey or RGB images, not {} channels", input.channels));
  }
  if (images.channels == 0) return;                                      // only the files tell
  if (e.data.type == "image_folder" && diagnostics.has("data")) return;  // its shape may be the mistake
  const bool same = input.channels == images.channels && input.h == images.h && input.w == images.w;
  const Node* type = document.find("data") ? document.find("data")->find("type") : nullptr;
  const bool mistaken = type == nullptr || type->text != e.data.type;  // a mistake of its own was told already
  if (given && !same && !mistaken && conflicts.given("data.type")) {
    diagnostics.add({Code::conflict,
                     fmt::format("the network takes [{}, {}, {}], {} has [{}, {}, {}]", input.channels, input.h,
                                 input.w, e.data.type, images.channels, images.h, images.w),
                     given->place, "model",
                     fmt::format("write input: [{}, {}, {}]", images.channels, images.h, images.w), ""});
  }
  if (!e.data.mean.empty() && e.data.mean.size() != static_cast<std::size_t>(images.channels)) {
    conflicts.add("data.normalize.mean", fmt::format("{} means for {} channels", e.data.mean.size(), images.channels));
  }
}

/// What no single key can tell: each component checks its own settings.
void check_together(const Experiment& e, const SettingsReader& reader, const Node& document, Diagnostics& diagnostics) {
  if (!good_run_name(e.name)) {
    diagnostics.add({Code::range, "'name' must be letters, digits, '_', '-' and '.', at most 100", reader.place("name"),
                     "", "it names a folder", ""});
  }
  PlacedConflicts conflicts(reader, diagnostics);
  check(e.device, conflicts);
  make_method(e.compression)->check(e.train.epochs, conflicts);
  check(e.data, conflicts);
  check(e.train, conflicts);
  check_images(e, document, conflicts, diagnostics);
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
