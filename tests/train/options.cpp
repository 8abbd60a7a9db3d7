#include "scnn/train/options.h"

#include "catch.h"
#include "listed_conflicts.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("training reports settings that do not go together, at their own paths") {
  TrainOptions train;
  CHECK(conflicting(train).empty());
  train.optimizer.type = OptimizerType::sgd;
  train.optimizer.nesterov = true;
  train.optimizer.momentum = 0;
  train.optimizer.groups.resize(2);
  train.optimizer.groups[1].eps = 1e-3;
  train.schedule.type = ScheduleType::piecewise;
  train.schedule.epochs = {0, 2, 1};
  train.schedule.factors = {1, 0.5};
  CHECK(conflicting(train) == std::vector<std::string>{"train.optimizer.nesterov", "train.schedule.factors",
                                                       "train.schedule.epochs", "train.optimizer.groups[1].eps"});
}
