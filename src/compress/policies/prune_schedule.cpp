#include "compress/policies/prune_schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compress/policies/policies.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"

namespace scnn {

double prune_share(const PruneOptions& options, double epochs) {
  if (options.epochs.empty()) return 0;
  const auto past = std::ranges::count_if(options.epochs, [&](double at) { return at <= epochs; });
  return options.fraction * static_cast<double>(past) / static_cast<double>(options.epochs.size());
}

void prune_channels(Graph& graph, double share) {
  Backend& backend = graph.backend();
  const std::vector<bool> output = makes_logits(graph);
  for (const int index : graph.weighted_nodes()) {
    Graph::Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    Weights& weights = *node.layer->weights();
    Parameter* channel_bits = weights.quantizer ? weights.quantizer->parameter(ParameterRole::bits) : nullptr;
    const bool fixed = channel_bits != nullptr && !channel_bits->trainable;
    if (!node.live || output[static_cast<std::size_t>(index)] || !fixed) continue;
    std::vector<float> bits = host_values(backend, channel_bits->value);
    const std::vector<float> values = host_values(backend, weights.parameter.value);
    const std::size_t row = bits.empty() ? 0 : values.size() / bits.size();
    std::vector<double> norm(bits.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) norm[i / row] += std::abs(static_cast<double>(values[i]));

    std::vector<std::size_t> alive;
    for (std::size_t c = 0; c < bits.size(); ++c) {
      if (bits[c] > 0.0F) alive.push_back(c);
    }
    std::ranges::stable_sort(alive, {}, [&](std::size_t c) { return norm[c]; });
    const std::int64_t original = graph.sets()[node.edge.set].original();
    const std::int64_t stay = std::max<std::int64_t>(1, original - std::llround(share * static_cast<double>(original)));
    for (std::size_t i = 0; static_cast<std::int64_t>(alive.size() - i) > stay; ++i) bits[alive[i]] = 0.0F;
    set_values(backend, bits, channel_bits->value);
  }
}

namespace {

class PruneSchedule final : public CompressionPolicy {
 public:
  explicit PruneSchedule(PruneOptions options) : options_(std::move(options)) {}
  [[nodiscard]] std::string_view name() const override { return "prune_schedule"; }
  void after_step(TrainingAccess& training) override {
    const RunClock& clock = training.clock();
    if (!clock.epoch_ended() || std::ranges::find(options_.epochs, clock.epochs()) == options_.epochs.end()) return;
    prune_channels(training.graph(), prune_share(options_, clock.epochs()));
  }

 private:
  PruneOptions options_;
};

}  // namespace

void add_prune_schedule(PolicyList& list, const CompressionOptions& options) {
  if (!options.prune.epochs.empty()) list.push_back(std::make_unique<PruneSchedule>(options.prune));
}

}  // namespace scnn
