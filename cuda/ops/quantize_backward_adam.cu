#include "backend/checks.h"
#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/ops/channel_update.h"
#include "cuda/runtime/cuda_backend.h"

namespace scnn::cuda {

struct CudaBackend::UpdateTable {
  UpdateTable(Stream& stream, const std::vector<ChannelLayer>& table)
      : sent(table), there(stream, static_cast<std::int64_t>(table.size())) {}
  std::vector<ChannelLayer> sent;
  Scratch<ChannelLayer> there;
};

void CudaBackend::quantize_backward_adam(std::span<const QuantizedLayer> layers, Scalar gamma) {
  constexpr const char* op = "quantize_backward_adam";
  std::vector<ChannelLayer> table;
  for (const QuantizedLayer& from : layers) {
    checks::quantized_layer(op, from);
    const std::int64_t channels = from.bits.value->size();
    if (channels == 0) continue;
    ChannelLayer& to = table.emplace_back();
    to.channels = static_cast<int>(channels);
    require_here(op, *from.weights.gradient);
    to.weights = out(op, *from.weights.value);
    const WeightIntegers next = cache_->place_of(to.weights);
    to.taps = next.taps;
    to.in_channels = static_cast<int>(from.weights.value->size() / channels / next.taps);
    to.integers = next.values;
    to.scales = next.scales;
    to.weights_m = out(op, *from.weights.m);
    to.weights_v = out(op, *from.weights.v);
    to.bits = out(op, *from.bits.value);
    if (from.bits.m != nullptr) {
      to.bits_m = out(op, *from.bits.m);
      to.bits_v = out(op, *from.bits.v);
    }
    to.exponents = out(op, *from.exponents.value);
    to.exponents_m = out(op, *from.exponents.m);
    to.exponents_v = out(op, *from.exponents.v);
    to.bits_lower = from.bits_lower;
    to.bits_upper = from.bits_upper;
    to.revive = from.revive;
    to.size_slope = optional(op, from.size_slope);
    // Last: what is taken waits no more.
    const PartialSums::Sums gradient = sums_->take(from.weights.gradient->data<float>());
    to.partials = gradient.data;
    to.splits = gradient.slices;
    to.steps = {from.weights.step, from.bits.step, from.exponents.step, gamma};
  }
  const int count = static_cast<int>(table.size());
  const int blocks = lay_out(table.data(), count);
  if (blocks == 0) return;
  // The same from step to step, until channels are removed: a recorded step could not send it.
  if (!update_table_ || update_table_->sent != table) {
    stream_->refuse_while_capturing("updates other layers than the step before it");
    update_table_ = std::make_shared<UpdateTable>(*stream_, table);
    stream_->upload(update_table_->there.data(), std::move(table));
  }
  launch_channel_update(*stream_, op, update_table_->there.data(), count, blocks);
  for (const ChannelLayer& layer : update_table_->sent) cache_->updated(layer.weights);
}

}  // namespace scnn::cuda
