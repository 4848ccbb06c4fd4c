// MSGKIT_SIMULATION_SEEDS=n runs more seeds, MSGKIT_SIMULATION_SEED=n exactly one.
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine_world.hpp"

using namespace msgkit::engine::simulation;

namespace {

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void run_seeds(world_options options) {
  const auto only = environment("MSGKIT_SIMULATION_SEED", 0);
  const auto count = environment("MSGKIT_SIMULATION_SEEDS", 500);
  for (std::uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : count); ++seed) {
    options.seed = seed;
    world w{options};
    ASSERT_EQ(w.run(), "") << w.summary();
  }
}

}  // namespace

TEST(EngineSimulation, NothingIsLostInACalmWorld) {
  run_seeds({.messages = 20, .store_faults = false, .crashes = false, .link_faults = false});
}
TEST(EngineSimulation, NothingIsLostWhenLinksBreak) {
  run_seeds({.messages = 40, .store_faults = false, .crashes = false});
}
TEST(EngineSimulation, NothingIsLostWhenTheStoreFails) { run_seeds({.messages = 40, .crashes = false}); }
TEST(EngineSimulation, NothingIsLostWhenTheProcessCrashesToo) { run_seeds({.messages = 60}); }

TEST(EngineSimulation, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world a{{.seed = seed}}, b{{.seed = seed}};
    EXPECT_EQ(a.run(), b.run());
    EXPECT_EQ(a.image(), b.image()) << seed;
  }
}
