#pragma once

#include <string>
#include <vector>

#include "scnn/core/period.h"

namespace scnn {

enum class CompressionType { none, fixed_bits, self_compress };
enum class SizeLossForm {
  live_inputs,  ///< eq. 5
  own_inputs,   ///< eq. 4
};

struct CompressionOptions {
  CompressionType type = CompressionType::self_compress;
  double gamma = 0.015;          ///< weight of the size loss
  double gamma_ramp_epochs = 0;  ///< gamma rises linearly from 0 over this many epochs
  SizeLossForm size_loss = SizeLossForm::live_inputs;
  double init_bits = 8;  ///< self_compress: starting bits
  double bits = 8;       ///< fixed_bits: the bits
  double max_bits = 8;
  double output_min_bits = 1;                         ///< floor for the layer that makes the logits, or classes die
  bool revive = false;                                ///< zero-bit channels go on learning by the right-hand derivative
  double integer_exponents_from = 1;                  ///< share of training; 1: exponents stay real
  Period removal{1.0, 0};                             ///< both 0: never
  std::vector<std::string> include = {"*"}, exclude;  ///< layers by name
};

}  // namespace scnn
