#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scnn/core/period.h"

namespace scnn {

enum class PseudoNoise { gaussian, uniform };

/// DiffQ (Défossez, Adi and Synnaeve, arXiv 2104.09987).
struct DiffqOptions {
  double min_bits = 2, max_bits = 15;
  double init_bits = 8;         ///< strictly between them
  std::int64_t group_size = 8;  ///< weights of a channel, one after the other, that share their bits; 0: all
  PseudoNoise noise = PseudoNoise::gaussian;
};

/// Channels of the smallest L1 norm are removed (Li et al., arXiv 1608.08710).
struct PruneOptions {
  double fraction = 0.5;       ///< of each layer's channels, gone in the end
  std::vector<double> epochs;  ///< done when an equal share of them goes, increasing
};

enum class SizeLossForm {
  live_inputs,  ///< eq. 5
  own_inputs,   ///< eq. 4
};

struct CompressionOptions {
  std::string type = "self_compress";  ///< name of a method: compression_methods()
  double gamma = 0.015;                ///< weight of the size loss
  std::int64_t target_bytes = 0;       ///< of the packed file; gamma is moved to meet it; 0: gamma stays
  double gamma_ramp_epochs = 0;        ///< gamma rises linearly from 0 over this many epochs
  SizeLossForm size_loss = SizeLossForm::live_inputs;
  double init_bits = 8;  ///< self_compress: starting bits
  double bits = 8;       ///< fixed_bits, lsq, magnitude_prune: the bits
  double max_bits = 8;
  double output_min_bits = 1;         ///< floor for the layer that makes the logits, or classes die
  bool revive = false;                ///< zero-bit channels go on learning by the right-hand derivative
  double integer_exponents_from = 1;  ///< share of training; 1: exponents stay real
  Period removal{1.0, 0};             ///< both 0: never
  double freeze_fraction = 0;         ///< share of training, its end, in which number formats are frozen
  double freeze_lr = 0.5;             ///< where learning rates begin again for it, as a share of their own
  DiffqOptions diffq;
  PruneOptions prune;
  std::vector<std::string> include = {"*"}, exclude;  ///< layers by name
};

/// Steps of `total` before number formats freeze: all without a freeze, at least one with it.
[[nodiscard]] std::int64_t compressing_steps(const CompressionOptions& options, std::int64_t total);

}  // namespace scnn
