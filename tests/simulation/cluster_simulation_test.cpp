#include <gtest/gtest.h>

#include "cluster_world.hpp"

using namespace msgkit::engine::simulation;

namespace {

constexpr std::uint64_t seeds = 40;

template <class Check>
void run_seeds(cluster_options o, Check&& check) {
  for (o.seed = 1; o.seed <= seeds; ++o.seed) {
    cluster_world w{o};
    const auto problem = w.run();
    ASSERT_EQ(problem, "") << w.summary();
    check(w);
  }
}

}  // namespace

TEST(ClusterSimulation, BothInstancesServeOneClientWithoutFaults) {
  std::uint64_t given = 0, passed_on = 0, repeated = 0;
  run_seeds({.faults = false}, [&](const cluster_world& w) {
    given += w.totals().given_away;
    passed_on += w.totals().reports_passed_on;
    repeated += w.totals().repeated_requests;
  });
  EXPECT_GT(given, seeds);
  EXPECT_GT(passed_on, seeds);
  EXPECT_GT(repeated, seeds) << "impatient clients are what keys are for";
}

TEST(ClusterSimulation, NothingIsLostWhenStoresFailAndInstancesDie) {
  run_seeds({}, [](const cluster_world&) {});
}

TEST(ClusterSimulation, ALimitHoldsOverBothAndOverFaults) {
  std::uint64_t limited = 0;
  run_seeds({.day_limit = 15}, [&](const cluster_world& w) {
    limited += w.totals().limited;
    EXPECT_LE(w.accepted_keys(), 15u);
  });
  EXPECT_GT(limited, seeds);
}
