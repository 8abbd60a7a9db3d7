#include <algorithm>

#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/conv/bf16/weight_cache.h"

namespace scnn::cuda {

struct WeightCache::Entry {
  Entry(Stream& stream, const DeviceWeights& of, int out_, int taps_, int in_)
      : weights(of),
        out(out_),
        taps(taps_),
        in(in_),
        integers(stream, std::int64_t{out} * taps * padded_channels(in)),
        scales(stream, out) {}

  DeviceWeights weights;
  int out, taps, in;
  Scratch<Bf16> integers;
  Scratch<float> scales;
  bool up_to_date = false, read = false;

  [[nodiscard]] WeightIntegers integers_there() const { return {integers.data(), scales.data(), taps}; }
  [[nodiscard]] bool fits(const DeviceWeights& w, int o, int t, int i) const {
    return w.bits == weights.bits && w.exponents == weights.exponents && o == out && t == taps && i == in;
  }
};

class WeightCache::Recorded {
 public:
  struct Layer {
    std::shared_ptr<Entry> entry;
    bool read, up_to_date;
  };
  std::vector<Layer> layers;
  std::vector<const void*> written;
};

WeightCache::Entry* WeightCache::find(const float* values) const {
  const auto found = std::ranges::find(entries_, values, [](const auto& entry) { return entry->weights.values; });
  return found != entries_.end() ? found->get() : nullptr;
}

void WeightCache::make(const char* op, Entry& entry) {
  launch_weight_pass(stream_, op,
                     {entry.weights.values, entry.weights.bits, entry.weights.exponents, entry.out, entry.taps,
                      entry.in, WeightForm::integers, entry.integers.data(), entry.scales.data()});
  entry.up_to_date = true;
}

WeightIntegers WeightCache::integers(const char* op, const DeviceWeights& weights, int out, int taps, int in) {
  Entry* entry = find(weights.values);
  const bool fits = entry != nullptr && entry->fits(weights, out, taps, in);
  if (recording_ != nullptr && (!fits || !entry->up_to_date)) return {};
  if (!fits) {
    if (entry != nullptr) freed(weights.values);
    entry = entries_.emplace_back(std::make_shared<Entry>(stream_, weights, out, taps, in)).get();
  }
  if (!entry->up_to_date) make(op, *entry);
  entry->read = true;
  return entry->integers_there();
}

WeightIntegers WeightCache::place_of(const float* values) const {
  const Entry* entry = find(values);
  return entry != nullptr ? entry->integers_there() : WeightIntegers{};
}

void WeightCache::updated(const float* values) {
  if (Entry* entry = find(values)) entry->up_to_date = true;
}

void WeightCache::written(const void* tensor) {
  if (recording_ != nullptr) recording_->written.push_back(tensor);
  for (const auto& entry : entries_) {
    const DeviceWeights& w = entry->weights;
    if (tensor == w.values || tensor == w.bits || tensor == w.exponents) entry->up_to_date = false;
  }
}

void WeightCache::freed(const void* tensor) {
  std::erase_if(entries_, [&](const auto& entry) {
    const DeviceWeights& w = entry->weights;
    return tensor == w.values || tensor == w.bits || tensor == w.exponents;
  });
}

std::shared_ptr<const WeightCache::Recorded> WeightCache::record(const std::function<void()>& work) {
  const std::vector<std::shared_ptr<Entry>> before = entries_;  // no new ones while recording
  std::vector<bool> states;
  for (const auto& entry : before) {
    states.push_back(entry->up_to_date);
    entry->read = false;
  }
  const auto restore = [&] {
    recording_ = nullptr;
    for (std::size_t i = 0; i < before.size(); ++i) before[i]->up_to_date = states[i];
  };
  auto recorded = std::make_shared<Recorded>();
  recording_ = recorded.get();
  try {
    work();
  } catch (...) {
    restore();
    throw;
  }
  for (const auto& entry : before) recorded->layers.push_back({entry, entry->read, entry->up_to_date});
  restore();
  return recorded;
}

void WeightCache::before(const Recorded& recorded) {
  for (const auto& layer : recorded.layers) {
    // One that another has taken the place of is told of nothing.
    const bool known = find(layer.entry->weights.values) == layer.entry.get();
    if (layer.read && !(known && layer.entry->up_to_date)) make("weights of a recording", *layer.entry);
  }
}

void WeightCache::after(const Recorded& recorded) {
  for (const void* tensor : recorded.written) written(tensor);
  for (const auto& layer : recorded.layers) layer.entry->up_to_date = layer.up_to_date;
}

}  // namespace scnn::cuda
