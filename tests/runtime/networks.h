#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "catch.h"
#include "export/calibrate.h"
#include "random_model.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"
#include "scnn/packed/packed.h"

/// Random networks as files, and what the program makes of them.
namespace scnn::test {

constexpr std::int64_t case_images = 3;

/// A network, as a file and as the program evaluates it.
struct NetworkCase {
  std::vector<std::byte> file;
  Tensor x, logits;
};

inline NetworkCase make_case(std::uint64_t seed, Backend& backend) {
  PackedModel model = random_model(seed);
  if (seed % 2 == 1) {
    try {
      model = trim(model, backend);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::training);  // nothing is left of it
    }
  }
  model.integers = seed % 3 == 0 ? IntegerForm::bits : IntegerForm::coded;
  if (seed % 4 == 0) model = snap(fold(model));
  NetworkCase made{encode(model), {}, {}};
  const auto graph = unpack(decode(made.file, "test"), backend);
  const Edge& edge = graph->nodes().front().edge;
  made.x = Tensor::host({case_images, edge.h, edge.w, graph->sets()[edge.set].size()});
  const RandomStream stream(11, Stream::probe);
  std::uint64_t next = 0;
  for (float& value : made.x.values<float>()) value = 2.0F * uniform(stream.draws(next++).v[0]) - 1.0F;
  const Tensor& logits = graph->forward(made.x, Pass{});
  made.logits = Tensor::host(logits.shape());
  backend.copy(logits, made.logits);
  return made;
}

/// A network that reads bytes somewhere, calibrated on the images it is then run on.
struct Calibrated {
  PackedModel model;
  Tensor x;
};
inline std::optional<Calibrated> make_calibrated(std::uint64_t seed, Backend& backend) {
  const NetworkCase c = make_case(seed, backend);
  Calibrated made{decode(c.file, "test"), c.x};
  try {
    calibrate(made.model, backend, c.x);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::usage);  // none of its layers can
    return std::nullopt;
  }
  return made;
}

/// Where all of them read bytes, the logits are the same bits on every path.
inline std::int64_t weighted_layers(const PackedModel& model) {
  return std::ranges::count_if(model.layers, [](const PackedLayer& layer) { return layer.shape.rank() > 0; });
}

/// Of the largest logit.
inline double logit_difference(const std::vector<float>& found, const Tensor& expected) {
  double worst = 0, largest = 0;
  const auto values = expected.values<float>();
  REQUIRE(values.size() == found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!std::isfinite(found[i])) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(found[i]) - static_cast<double>(values[i])));
    largest = std::max(largest, std::abs(static_cast<double>(values[i])));
  }
  return worst / std::max(largest, 1e-30);
}

}  // namespace scnn::test
