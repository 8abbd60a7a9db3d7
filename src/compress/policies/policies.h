#pragma once

#include <cstdint>
#include <memory>

#include "scnn/compress/method.h"

/// Makers of the policies that methods share.  Each adds nothing where the options leave its policy out.
namespace scnn {

/// Gamma rises in a straight line from 0 over the first epochs.
void add_gamma_ramp(PolicyList& list, const CompressionOptions& options);
/// Exponents are rounded and frozen from a share of training on.
void add_integer_exponents(PolicyList& list, const CompressionOptions& options, const RunClock& clock);
/// Bits and exponents are frozen, and the size loss ends, for the last steps.
void add_format_freeze(PolicyList& list, const CompressionOptions& options);
/// Gamma, and at the end the bits themselves, are moved so that the packed file meets its budget.
void add_byte_budget(PolicyList& list, const CompressionOptions& options, const PolicySetup& setup);
/// Channels of the smallest L1 norm lose their bits at given epochs.
void add_prune_schedule(PolicyList& list, const CompressionOptions& options);
/// Dead channels are frozen and taken out of the network.
void add_channel_removal(PolicyList& list, const CompressionOptions& options, const RunClock& clock);

}  // namespace scnn
