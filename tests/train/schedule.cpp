#include "scnn/train/schedule.h"

#include "catch.h"

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

TEST_CASE("reduce_on_plateau multiplies after `patience` epochs without improvement, as torch's does") {
  ScheduleOptions plateau = options(ScheduleType::reduce_on_plateau);
  plateau.patience = 2;
  plateau.factor = 0.1;
  Schedule schedule(plateau, 100);
  schedule.epoch_ended(1.0);
  for (int bad = 0; bad < 2; ++bad) schedule.epoch_ended(1.0);
  CHECK(schedule.factor(3) == 1.0);
  schedule.epoch_ended(1.0);
  CHECK(schedule.factor(4) == Approx(0.1));
  schedule.epoch_ended(0.5);
  CHECK(schedule.state.best == 0.5);
}
