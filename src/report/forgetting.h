#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/recorder.h"
#include "report/figure.h"

namespace scnn {

/// What a layer forgot while it trained, from the bits of its channels at the end of every epoch.
struct LayerForgetting {
  std::string layer;
  double fastest = 0;  ///< most that its mean bits, of all original channels, fell in an epoch
  std::int64_t fastest_epoch = 0;
  std::int64_t died = 0;                         ///< channels whose bits came to 0
  std::int64_t first_death = 0, last_death = 0;  ///< epochs; 0: none
  std::int64_t revived = 0;                      ///< times that a channel came back from 0
};
[[nodiscard]] std::vector<LayerForgetting> forgetting(const RunHistory& history);

/// An epoch whose evaluation was worse than the one before it while channels died or left.
struct Dip {
  std::int64_t epoch = 0;
  double top1 = 0;  ///< lost, 0..1
  std::int64_t died = 0, removed = 0;
};
/// Dips of at least `least`, the deepest first.
[[nodiscard]] std::vector<Dip> dips(const RunHistory& history, double least = 0.003);

/// Mean bits by epoch and layer.
[[nodiscard]] std::vector<Figure> forgetting_figures(const RunHistory& history);
/// The section of a self-compressing run's page; empty where no bits changed.
[[nodiscard]] std::string forgetting_html(const RunHistory& history);

}  // namespace scnn
