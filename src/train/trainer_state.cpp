#include "train/trainer_state.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/json_problem.h"
#include "scnn/core/error.h"

namespace scnn {

using Json = nlohmann::ordered_json;

namespace {

/// By policy name.  Version 0.1.0 kept the byte budget alone, as a list.
std::map<std::string, PolicyState> policy_states(const Json& json) {
  std::map<std::string, PolicyState> states;
  if (json.contains("policies")) json.at("policies").get_to(states);
  if (json.contains("budget")) {
    const std::vector<double> budget = json.at("budget");
    states["byte_budget"] = {{"log_factor", budget.at(0)},
                             {"first_bytes", budget.at(1)},
                             {"first_progress", budget.at(2)},
                             {"progress", budget.at(3)},
                             {"error", budget.at(4)}};
  }
  return states;
}

}  // namespace

std::string state_text(const TrainerState& state, const PolicyList& policies, const std::vector<Schedule>& schedules) {
  Json json = {{"step", state.clock.step},
               {"loss_sum", state.loss_sum},
               {"correct", state.correct},
               {"images", state.images},
               {"train_seconds", state.train_seconds},
               {"removal_seconds", state.removal_seconds},
               {"macs", state.macs},
               {"first_macs", state.first_macs},
               {"epoch_seconds", state.epoch_seconds},
               {"eval_seconds", state.eval_seconds},
               {"policies", Json::object()},
               {"removals", Json::array()},
               {"schedules", Json::array()}};
  for (const auto& policy : policies) {
    const PolicyState kept = policy->state();
    if (!kept.empty()) json["policies"][std::string(policy->name())] = kept;
  }
  for (const RemovalRecord& removal : state.removals) {
    json["removals"].push_back({{"epoch", removal.epoch},
                                {"step", removal.step},
                                {"layer", removal.layer},
                                {"channels", removal.channels},
                                {"max_diff", removal.max_diff},
                                {"efficiency", removal.efficiency}});
  }
  for (const Schedule& schedule : schedules) {
    json["schedules"].push_back({{"best", schedule.state.best},
                                 {"epochs_since", schedule.state.epochs_since},
                                 {"reductions", schedule.state.reductions},
                                 {"cooling", schedule.state.cooling}});
  }
  return json.dump();
}

void restore_state(const Checkpoint& checkpoint, TrainerState& state, const PolicyList& policies,
                   std::vector<Schedule>& schedules) {
  try {
    const Json json = Json::parse(checkpoint.file.metadata.at("state"));
    json.at("step").get_to(state.clock.step);
    json.at("loss_sum").get_to(state.loss_sum);
    json.at("correct").get_to(state.correct);
    json.at("images").get_to(state.images);
    json.at("train_seconds").get_to(state.train_seconds);
    json.at("removal_seconds").get_to(state.removal_seconds);
    state.macs = json.value("macs", 0.0);  // not in checkpoints of earlier versions
    state.first_macs = json.value("first_macs", 0.0);
    json.at("epoch_seconds").get_to(state.epoch_seconds);
    json.at("eval_seconds").get_to(state.eval_seconds);
    const std::map<std::string, PolicyState> kept = policy_states(json);
    for (const auto& policy : policies) {
      if (const auto own = kept.find(std::string(policy->name())); own != kept.end()) policy->restore(own->second);
    }
    state.removals.clear();
    for (const Json& entry : json.at("removals")) {
      state.removals.push_back(
          {entry.at("epoch"), entry.at("step"), entry.at("layer"), entry.at("channels"), entry.at("max_diff"), 1});
      const auto told = entry.find("efficiency");  // null or absent: not known
      state.removals.back().efficiency = told != entry.end() && told->is_number() ? told->get<double>() : std::nan("");
    }
    const Json& saved = json.at("schedules");
    if (saved.size() != schedules.size()) throw Error(ErrorKind::checkpoint, "other schedules");
    for (std::size_t i = 0; i < schedules.size(); ++i) {
      saved[i].at("best").get_to(schedules[i].state.best);
      saved[i].at("epochs_since").get_to(schedules[i].state.epochs_since);
      saved[i].at("reductions").get_to(schedules[i].state.reductions);
      schedules[i].state.cooling = saved[i].value("cooling", std::int64_t{0});  // absent in older checkpoints
    }
  } catch (const std::exception& error) {
    throw Error(ErrorKind::checkpoint, checkpoint.path.string() + ": its training state does not fit the experiment (" +
                                           json_problem(error) + "); use an earlier checkpoint");
  }
}

}  // namespace scnn
