#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "scnn/core/period.h"
#include "scnn/settings/experiment.h"

namespace scnn::config {

struct NumberRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool open_min = false, open_max = false;  ///< the end itself is outside

  [[nodiscard]] bool contains(double value) const;
  /// "at least 1", "in [0, 1)", ...; empty if everything is allowed
  [[nodiscard]] std::string str() const;
};
constexpr NumberRange at_least(double min) { return {.min = min}; }
constexpr NumberRange above(double min) { return {.min = min, .open_min = true}; }
constexpr NumberRange between(double min, double max) { return {.min = min, .max = max}; }
constexpr NumberRange share_below_1() { return {.min = 0, .max = 1, .open_max = true}; }

/// A choice: its name, and, of an enum, the value that it stands for.
struct Option {
  std::string_view name, doc;
  int value = 0;

  constexpr Option(std::string_view name_of, std::string_view doc_of) : name(name_of), doc(doc_of) {}
  template <class Enum>
  requires std::is_enum_v<Enum>
  constexpr Option(std::string_view name_of, Enum of, std::string_view doc_of)
      : name(name_of), doc(doc_of), value(static_cast<int>(of)) {}
};
/// Where `options` has an enum's value; Error(bug) where it lacks it.
[[nodiscard]] std::size_t option_of(std::span<const Option> options, int value);

/// All there is to say about one key.
struct Field {
  std::string_view key, doc;
  std::string_view unit = "";
  NumberRange range = {};
  std::string_view types = "";  ///< "step, cosine": the key exists under these types of its map only
  std::string_view word = "";   ///< stands for 0, or for a map that is absent ("auto", "none")
  std::span<const Option> choices = {};
  bool required = false;
  bool is_path = false;  ///< relative to the file it stands in
};

/// Whether a key whose Field::types are `types` exists under a map's `type`.
[[nodiscard]] bool applies(std::string_view types, std::string_view type);

/// Items of a list of maps.
struct ListAccess {
  std::function<std::size_t()> size;
  std::function<void()> append, clear;
  std::function<void(std::size_t)>
      visit;  ///< visits the keys of one item, which stands between begin_item and end_item
};

/// Two members under one key.
struct PaddingMembers {
  Padding& kind;
  Extent2& pad;
};
struct GroupsMembers {
  std::int64_t& groups;
  bool& depthwise;
};
template <class T>
using Ref = std::reference_wrapper<T>;
/// The member of an options struct that a key stands for.
using Member = std::variant<Ref<bool>, Ref<std::int64_t>, Ref<std::uint64_t>, Ref<float>, Ref<double>,
                            Ref<std::optional<double>>, Ref<std::string>, Ref<std::vector<std::string>>,
                            Ref<std::vector<double>>, Ref<Period>, Ref<Extent2>, PaddingMembers, GroupsMembers>;

/// What the one table of settings is told to.  Reader, writer and describer are the three visitors; `visit` below is
/// the table.
class SettingsVisitor {
 public:
  SettingsVisitor() = default;
  SettingsVisitor(const SettingsVisitor&) = delete;
  SettingsVisitor& operator=(const SettingsVisitor&) = delete;
  virtual ~SettingsVisitor() = default;

  /// A map: false if its keys are not to be visited.  `present` tells whether the options hold it, and learns whether
  /// the file says so.
  virtual bool begin(const Field& field, bool& present) = 0;
  virtual void end() = 0;
  /// The key `type`, which decides what other keys the map has.
  virtual void type(std::span<const Option> options, std::size_t& index) = 0;
  virtual void choice(const Field& field, std::size_t& index) = 0;
  virtual void list(const Field& field, const ListAccess& access) = 0;

  /// A key that holds one value.
  virtual void set(const Field& field, Member member) = 0;

  /// Whether the key is known to be absent from what is read.
  [[nodiscard]] virtual bool missing(std::string_view /*key*/) const { return false; }
  /// A key that earlier versions had.  The value `harmless` is read past, since their config.yaml says it; any other
  /// one is an unknown key, and `why` stands beside it.
  virtual void retired(std::string_view /*key*/, std::string_view /*harmless*/, std::string_view /*why*/) {}
  /// Reports a key that other settings make necessary.
  virtual void need(std::string_view /*key*/, const std::string& /*why*/) {}

  template <class T>
  void value(const Field& field, T& value) {
    set(field, Member(std::in_place_type<Ref<T>>, value));
  }
  void padding(const Field& field, Padding& kind, Extent2& pad) {
    set(field, Member(std::in_place_type<PaddingMembers>, PaddingMembers{kind, pad}));
  }
  void groups(const Field& field, std::int64_t& groups, bool& depthwise) {
    set(field, Member(std::in_place_type<GroupsMembers>, GroupsMembers{groups, depthwise}));
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void type_of(std::span<const Option> options, Enum& value) {
    std::size_t index = option_of(options, static_cast<int>(value));
    type(options, index);
    value = static_cast<Enum>(options[index].value);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void choice_of(const Field& field, Enum& value) {
    std::size_t index = option_of(field.choices, static_cast<int>(value));
    choice(field, index);
    value = static_cast<Enum>(field.choices[index].value);
  }
};

/// How the random axes of a sweep are drawn.
struct SweepDraws {
  std::int64_t samples = 0;  ///< 0: no axis is random
  std::uint64_t seed = 0;
};

// The table of settings.
/// Everything but the model and the sweep.
void visit(SettingsVisitor& v, Experiment& experiment);
/// A choice kept as text; `is_type`: the key `type` of its map.
void text_choice(SettingsVisitor& v, const Field& field, std::string& value, bool is_type);
/// The keys of `data`.
void visit(SettingsVisitor& v, DataOptions& data);
void visit(SettingsVisitor& v, CompressionOptions& compression);
/// The keys of `model.init`.
void visit(SettingsVisitor& v, InitialWeights& init);
/// The keys of `sweep` that hold one value.
void visit(SettingsVisitor& v, SweepDraws& draws);
/// The keys of one layer type, `name`, `type` and `input` aside.
void visit(SettingsVisitor& v, LayerOptions& options);

/// A layer type that experiments may use.
struct LayerType {
  std::string_view name, doc;
  LayerOptions defaults;
  std::size_t min_inputs = 1, max_inputs = 1;
};
[[nodiscard]] std::span<const LayerType> layer_types();

}  // namespace scnn::config
