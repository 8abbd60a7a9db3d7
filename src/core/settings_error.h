#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scnn/core/error.h"

namespace scnn {

/// One mistake of an experiment, by what it is about.
struct Mistake {
  std::string setting;  ///< "train.batch_size"; empty where it is about a layer
  int layer = -1;       ///< index into the NetworkSpec
  std::string message;  ///< with the remedy
};

/// Error(experiment) that says which settings or layers are wrong: the experiment's reader knows their lines.
class SettingsError : public Error {
 public:
  SettingsError(const std::string& setting, const std::string& message)
      : Error(ErrorKind::experiment, setting + ": " + message), mistakes_({{setting, -1, message}}) {}
  /// `text` is for those who have no file to show.
  SettingsError(const std::string& text, std::vector<Mistake> mistakes)
      : Error(ErrorKind::experiment, text), mistakes_(std::move(mistakes)) {}

  [[nodiscard]] const std::vector<Mistake>& mistakes() const noexcept { return mistakes_; }

 private:
  std::vector<Mistake> mistakes_;
};

}  // namespace scnn
