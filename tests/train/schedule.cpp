#include "scnn/train/schedule.h"

#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <random>

#include "catch.h"
#include "core/file.h"
#include "core/python.h"
#include "temporary_folder.h"

using namespace scnn;

namespace {

ScheduleOptions options(ScheduleType type) {
  ScheduleOptions made;
  made.type = type;
  return made;
}

}  // namespace

TEST_CASE("constant, step and cosine schedules") {
  CHECK(Schedule(options(ScheduleType::constant), 10).factor(7) == 1.0);
  ScheduleOptions step = options(ScheduleType::step);
  step.every_epochs = 3;
  step.factor = 0.5;
  CHECK(Schedule(step, 10).factor(2.9) == 1.0);
  CHECK(Schedule(step, 10).factor(6.0) == 0.25);
  ScheduleOptions cosine = options(ScheduleType::cosine);
  cosine.final_factor = 0.2;
  CHECK(Schedule(cosine, 10).factor(0) == Approx(1.0));
  CHECK(Schedule(cosine, 10).factor(5) == Approx(0.6));
  CHECK(Schedule(cosine, 10).factor(10) == Approx(0.2));
}

TEST_CASE("warm-up rises linearly, and the cosine starts behind it") {
  ScheduleOptions cosine = options(ScheduleType::cosine);
  cosine.warmup_epochs = 2;
  CHECK(Schedule(cosine, 10).factor(1) == Approx(0.5));
  CHECK(Schedule(cosine, 10).factor(2) == Approx(1.0));
  CHECK(Schedule(cosine, 10).factor(6) == Approx(0.5));
}

TEST_CASE("piecewise joins its knots linearly") {
  ScheduleOptions piecewise = options(ScheduleType::piecewise);
  piecewise.epochs = {0, 2, 6};
  piecewise.factors = {0, 1, 0.5};
  const Schedule schedule(piecewise, 10);
  CHECK(schedule.factor(1) == Approx(0.5));
  CHECK(schedule.factor(4) == Approx(0.75));
  CHECK(schedule.factor(9) == Approx(0.5));
}

TEST_CASE("anneal_end holds, then falls over the last share") {
  ScheduleOptions anneal = options(ScheduleType::anneal_end);
  anneal.fraction = 0.2;
  const Schedule schedule(anneal, 10);
  CHECK(schedule.factor(8) == 1.0);
  CHECK(schedule.factor(9) == Approx(0.5));
  CHECK(schedule.factor(10) == Approx(0.0).margin(1e-12));
}

TEST_CASE("behind a schedule's end a restart falls along half a cosine, whatever the type") {
  for (const ScheduleType type : {ScheduleType::constant, ScheduleType::cosine, ScheduleType::anneal_end}) {
    const Schedule plain(options(type), 10);
    const Schedule restarted(options(type), 10, {4, 0.6});
    for (const double epochs : {0.0, 5.0, 9.9}) CHECK(restarted.factor(epochs) == plain.factor(epochs));
    CHECK(restarted.factor(10) == Approx(0.6));
    CHECK(restarted.factor(12) == Approx(0.3));
    CHECK(restarted.factor(13) == Approx(0.3 * (1 - std::numbers::sqrt2 / 2)));
    CHECK(restarted.factor(14) == Approx(0.0).margin(1e-12));
  }
}

TEST_CASE("reduce_on_plateau multiplies after `patience` epochs without improvement, as torch's does") {
  ScheduleOptions plateau = options(ScheduleType::reduce_on_plateau);
  plateau.patience = 2;
  plateau.factor = 0.1;
  Schedule schedule(plateau, 100);
  for (int epoch = 1; epoch <= 3; ++epoch) schedule.epoch_ended(epoch, 1.0);
  CHECK(schedule.factor(3) == 1.0);
  schedule.epoch_ended(4, 1.0);
  CHECK(schedule.factor(4) == Approx(0.1));
  schedule.epoch_ended(5, 0.5);
  CHECK(schedule.state.best == 0.5);
}

TEST_CASE("reduce_on_plateau forgets the epochs before after_epochs and stops at min_factor") {
  ScheduleOptions plateau = options(ScheduleType::reduce_on_plateau);
  plateau.patience = 0;
  plateau.after_epochs = 5;
  plateau.min_factor = 0.05;
  Schedule schedule(plateau, 100);
  schedule.epoch_ended(1, 0.1);
  for (int epoch = 2; epoch <= 5; ++epoch) schedule.epoch_ended(epoch, 2.0);
  schedule.epoch_ended(6, 1.0);  // the first that counts, though worse than what came before
  CHECK(schedule.factor(6) == 1.0);
  schedule.epoch_ended(7, 1.0);
  CHECK(schedule.factor(7) == Approx(0.1));
  for (int epoch = 8; epoch <= 12; ++epoch) schedule.epoch_ended(epoch, 1.0);
  CHECK(schedule.factor(12) == 0.05);
}

TEST_CASE("reduce_on_plateau takes the same factors as torch's ReduceLROnPlateau over random losses") {
  const std::string python = python_with("torch");
  if (python.empty()) SCNN_SKIP("no Python with PyTorch (python3-torch)");
  std::mt19937 generator(1);
  for (const std::int64_t cooldown : {0, 3}) {
    ScheduleOptions plateau = options(ScheduleType::reduce_on_plateau);
    plateau.factor = 0.7;
    plateau.patience = 2;
    plateau.threshold = 0.05;
    plateau.cooldown = cooldown;
    plateau.min_factor = 0.02;
    plateau.after_epochs = 7;
    Schedule schedule(plateau, 200);
    std::string text = "0.7 2 0.05 " + std::to_string(cooldown) + " 0.02 7\n";
    std::int64_t reductions = 0;
    for (int epoch = 1; epoch <= 150; ++epoch) {
      const double loss = 2.0 / epoch + 0.2 * static_cast<double>(generator() % 1000) / 1000;
      schedule.epoch_ended(epoch, loss);
      reductions = schedule.state.reductions;
      char line[64];
      std::snprintf(line, sizeof line, "%.17g %.17g\n", loss, schedule.factor(epoch));
      text += line;
    }
    CHECK(reductions > 5);
    const test::TemporaryFolder folder;
    write_file(folder / "losses.txt", text);
    CHECK(std::system((python + " tests/train/check_plateau.py '" + (folder / "losses.txt").string() + "'").c_str()) ==
          0);
  }
}
