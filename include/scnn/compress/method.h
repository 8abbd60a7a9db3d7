#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "scnn/compress/options.h"
#include "scnn/compress/policy.h"
#include "scnn/core/conflicts.h"
#include "scnn/nn/quantizer.h"

namespace scnn {

/// A layer that is to get a quantizer.
struct QuantizerSite {
  const std::string& layer;
  const Parameter& weight;  ///< [out, ...], with its starting values
  bool makes_logits = false;
  std::uint32_t lane = 0;  ///< separates the layers' random draws
};

/// What the policies of a run are made from.
struct PolicySetup {
  RunClock clock;                                  ///< at step 0
  std::function<std::int64_t(Graph&)> file_bytes;  ///< size of the packed file of a graph as it stands
};

/// How a network is compressed: `compression.type` of an experiment.
class CompressionMethod {
 public:
  explicit CompressionMethod(CompressionOptions options) : options_(std::move(options)) {}
  CompressionMethod(const CompressionMethod&) = delete;
  CompressionMethod& operator=(const CompressionMethod&) = delete;
  virtual ~CompressionMethod() = default;

  /// What a layer computes with; null: its float weights.
  [[nodiscard]] virtual std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const = 0;
  /// Whether any layer gets a quantizer.
  [[nodiscard]] virtual bool quantizes() const { return true; }
  /// Whether bits are learned against a size loss that gamma weighs.
  [[nodiscard]] virtual bool learns_bits() const { return false; }
  /// Whether its quantizers allow channels to leave the network.
  [[nodiscard]] virtual bool allows_removal() const { return true; }
  /// Adds what happens around steps, in order.
  virtual void add_policies(PolicyList& /*list*/, const PolicySetup& /*setup*/) const {}
  /// Reports its settings that do not go together.
  virtual void check(std::int64_t /*epochs*/, Conflicts& /*conflicts*/) const {}

 protected:
  [[nodiscard]] const CompressionOptions& options() const noexcept { return options_; }

 private:
  CompressionOptions options_;
};

/// A row of the table of methods.
struct MethodInfo {
  std::string_view name;  ///< in experiments
  std::string_view help;  ///< one line
  std::string_view keys;  ///< settings below `compression` that it has, "gamma, bits"
  std::unique_ptr<CompressionMethod> (*make)(const CompressionOptions& options);
};

/// Every method, in the order of the documentation.
[[nodiscard]] std::span<const MethodInfo> compression_methods();
/// The method that `options.type` names.  SettingsError where there is none.
[[nodiscard]] std::unique_ptr<CompressionMethod> make_method(const CompressionOptions& options);

}  // namespace scnn
