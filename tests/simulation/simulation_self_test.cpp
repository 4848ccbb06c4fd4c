// The simulation is asked to find mistakes that are known to be there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mutants.hpp"
#include "world.hpp"

using namespace msgkit::simulation;
using ::testing::IsEmpty;

namespace {

constexpr std::uint64_t seeds_max = 12;

// Runs seeds until each of `wanted` has been reported; what has not is in the answer.
std::vector<std::string> missing(const mutation& mistake, std::vector<std::string> wanted) {
  for (std::uint64_t seed = 1; seed <= seeds_max && !wanted.empty(); ++seed)
    for (const auto& each : run_seed({.seed = seed, .load = 0.3, .mistake = mistake}).failures)
      std::erase_if(wanted, [&](const std::string& what) { return each.find(what) != each.npos; });
  return wanted;
}
#define EXPECT_FINDS(mistake, ...) EXPECT_THAT(missing(mistake, {__VA_ARGS__}), IsEmpty())

}  // namespace

TEST(SimulationSelfTest, FindsNothingWithoutAMistake) {
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed)
    EXPECT_THAT(run_seed({.seed = seed, .load = 0.3}).failures, IsEmpty());
}

TEST(SimulationSelfTest, FindsAStoreThatForgets) {
  EXPECT_FINDS(forgetful_store(), "before the store held it", "and is lost");
}

TEST(SimulationSelfTest, FindsAnAcknowledgementBeforeTheCommit) {
  EXPECT_FINDS(hasty_acknowledgement(), "before the store held it");
}

TEST(SimulationSelfTest, FindsDuplicatesThatNobodyAskedFor) {
  EXPECT_FINDS(repeated_sends(), "times in the sight of the gateway", "was acknowledged by the client");
}

TEST(SimulationSelfTest, FindsMessagesThatNeverSettle) { EXPECT_FINDS(swallowed_results(), "does not settle"); }

TEST(SimulationSelfTest, FindsReceiptsThatAreDropped) {
  EXPECT_FINDS(swallowed_reports(), "was told ok for the receipt");
}

TEST(SimulationSelfTest, FindsAWindowThatIsTooWide) { EXPECT_FINDS(wide_window(), "the window is"); }

TEST(SimulationSelfTest, ASeedReplaysToTheLastLine) {
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    const auto first = run_seed({.seed = seed}), second = run_seed({.seed = seed});
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.lines, second.lines) << "seed " << seed;
  }
}

TEST(SimulationSelfTest, SeedsDiffer) { EXPECT_NE(run_seed({.seed = 1}).hash, run_seed({.seed = 2}).hash); }
