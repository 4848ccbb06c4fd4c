// mmsgw against itself over MM4 and MM7. MSGKIT_MMS_SIMULATION_SEEDS says how many seeds; a failing one is repeated by
// MSGKIT_SIMULATION_SEED.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "mms_world.hpp"

using namespace msgkit::simulation;

namespace {

std::uint64_t environment(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

}  // namespace

TEST(MmsSimulation, WhatIsAcknowledgedArrivesOnceAndIsReported) {
  const auto one = environment("MSGKIT_SIMULATION_SEED", 0);
  const auto first = one == 0 ? 1 : one,
             last = one == 0 ? environment("MSGKIT_MMS_SIMULATION_SEEDS", MSGKIT_MMS_SEEDS) : one;
  std::size_t sent = 0, repeated = 0, crashes = 0, failed_commits = 0;
  for (auto seed = first; seed <= last; ++seed) {
    const auto r = run_mms_seed({.seed = seed});
    for (const auto& f : r.failures) ADD_FAILURE() << "seed " << seed << ": " << f;
    if (!r.failures.empty()) return;
    sent += r.sent, repeated += r.repeated, crashes += r.crashes, failed_commits += r.failed_commits;
  }
  std::printf("%zu sent, %zu attempts repeated, %zu crashes, %zu failed commits\n", sent, repeated, crashes,
              failed_commits);
  if (one == 0) {
    EXPECT_GT(repeated, 0u);
    EXPECT_GT(crashes, 0u);
    EXPECT_GT(failed_commits, 0u);
  }
}

TEST(MmsSimulation, TheSameSeedRunsTheSameWay) {
  const auto a = run_mms_seed({.seed = 7}), b = run_mms_seed({.seed = 7});
  EXPECT_EQ(a.sent, b.sent);
  EXPECT_EQ(a.repeated, b.repeated);
  EXPECT_EQ(a.failed_commits, b.failed_commits);
}

TEST(MmsSimulation, NoticesAGatewayThatTakesRepetitionsForNew) {
  std::size_t noticed = 0;
  for (std::uint64_t seed = 1; seed <= 150 && noticed == 0; ++seed)
    noticed += run_mms_seed({.seed = seed, .forgets_what_came_before = true}).failures.size();
  EXPECT_GT(noticed, 0u);
}
