// The MQTT-Redis relay on virtual time. MSGKIT_BRIDGE_SIMULATION_SEEDS says how many seeds; a failing one is repeated
// by MSGKIT_SIMULATION_SEED.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "bridge_world.hpp"

using namespace msgkit::simulation;

namespace {

std::uint64_t environment(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

}  // namespace

TEST(BridgeSimulation, NothingIsMissingAndNothingIsAcknowledgedTooEarly) {
  const auto one = environment("MSGKIT_SIMULATION_SEED", 0);
  const auto first = one == 0 ? 1 : one,
             last = one == 0 ? environment("MSGKIT_BRIDGE_SIMULATION_SEEDS", MSGKIT_BRIDGE_SEEDS) : one;
  bridge_run_result all;
  for (auto seed = first; seed <= last; ++seed) {
    const auto r = run_bridge_seed({.seed = seed});
    for (const auto& f : r.failures) ADD_FAILURE() << "seed " << seed << ": " << f;
    if (!r.failures.empty()) return;
    all.up += r.up, all.down += r.down, all.doubled += r.doubled, all.cuts += r.cuts, all.silences += r.silences;
    all.restarts += r.restarts, all.crashes += r.crashes;
  }
  std::printf(
      "%zu up, %zu down, %zu of them twice; %zu cuts, %zu silences, "
      "%zu restarts, %zu crashes\n",
      all.up, all.down, all.doubled, all.cuts, all.silences, all.restarts, all.crashes);
  if (one != 0) return;
  for (const auto count : {all.doubled, all.cuts, all.silences, all.restarts, all.crashes}) EXPECT_GT(count, 0u);
}

TEST(BridgeSimulation, TheSameSeedRunsTheSameWay) {
  const auto a = run_bridge_seed({.seed = 7}), b = run_bridge_seed({.seed = 7});
  EXPECT_EQ(a.up, b.up);
  EXPECT_EQ(a.down, b.down);
  EXPECT_EQ(a.cuts, b.cuts);
}

TEST(BridgeSimulation, NoticesARedisThatLosesWhatItHasAnswered) {
  EXPECT_FALSE(run_bridge_seed({.seed = 1, .redis_loses = true}).failures.empty());
}
