// The simulation is asked to find mistakes that are known to be there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mutants.hpp"
#include "world.hpp"

using namespace msgkit::simulation;
using ::testing::HasSubstr;

namespace {

constexpr std::uint64_t seeds = 12;

// All that is found in the first seeds, one line each.
std::string findings(const mutation& mistake) {
  std::string all;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    for (const auto& each : run_seed({.seed = seed, .load = 0.3, .mistake = mistake}).failures) all += each + "\n";
  return all;
}

}  // namespace

TEST(SimulationSelfTest, FindsNothingWithoutAMistake) { EXPECT_EQ(findings({}), ""); }

TEST(SimulationSelfTest, FindsAStoreThatForgets) {
  const auto found = findings(forgetful_store());
  EXPECT_THAT(found, HasSubstr("before the store held it"));
  EXPECT_THAT(found, HasSubstr("and is lost"));
}

TEST(SimulationSelfTest, FindsAnAcknowledgementBeforeTheCommit) {
  EXPECT_THAT(findings(hasty_acknowledgement()), HasSubstr("was told ok for"));
}

TEST(SimulationSelfTest, FindsDuplicatesThatNobodyAskedFor) {
  const auto found = findings(repeated_sends());
  EXPECT_THAT(found, HasSubstr("in the sight of the gateway"));
  EXPECT_THAT(found, HasSubstr("acknowledged by the client"));
}

TEST(SimulationSelfTest, FindsMessagesThatNeverSettle) {
  EXPECT_THAT(findings(swallowed_results()), HasSubstr("does not settle"));
}

TEST(SimulationSelfTest, FindsReceiptsThatAreDropped) {
  EXPECT_THAT(findings(swallowed_reports()), HasSubstr("before the store held it"));
}

TEST(SimulationSelfTest, FindsAWindowThatIsTooWide) {
  EXPECT_THAT(findings(wide_window()), HasSubstr("the window is"));
}

TEST(SimulationSelfTest, ASeedReplaysToTheLastLine) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto first = run_seed({.seed = seed}), second = run_seed({.seed = seed});
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.lines, second.lines) << "seed " << seed;
  }
}

TEST(SimulationSelfTest, SeedsDiffer) { EXPECT_NE(run_seed({.seed = 1}).hash, run_seed({.seed = 2}).hash); }
