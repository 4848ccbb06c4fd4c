// The simulation is asked to find mistakes that are known to be there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mutants.hpp"
#include "world.hpp"

using namespace msgkit::simulation;
using ::testing::IsEmpty;

namespace {

constexpr std::uint64_t seeds_max = 12, mail_seeds_max = 4;  // mails take longer

// Runs seeds until each of `wanted` has been reported; what has not is in the answer.
std::vector<std::string> missing(const mutation& mistake, std::vector<std::string> wanted, bool with_mail = false) {
  for (std::uint64_t seed = 1; seed <= seeds_max && !wanted.empty(); ++seed)
    for (const auto& each : run_seed({.seed = seed, .load = 0.3, .with_mail = with_mail, .mistake = mistake}).failures)
      std::erase_if(wanted, [&](const std::string& what) { return each.find(what) != each.npos; });
  return wanted;
}
#define EXPECT_FINDS(mistake, ...) EXPECT_THAT(missing(mistake, {__VA_ARGS__}), IsEmpty())
#define EXPECT_FINDS_WITH_MAIL(mistake, ...) EXPECT_THAT(missing(mistake, {__VA_ARGS__}, true), IsEmpty())

}  // namespace

TEST(SimulationSelfTest, FindsNothingWithoutAMistake) {
  for (const bool with_mail : {false, true})
    for (std::uint64_t seed = 1; seed <= (with_mail ? mail_seeds_max : seeds_max); ++seed)
      EXPECT_THAT(run_seed({.seed = seed, .load = 0.3, .with_mail = with_mail}).failures, IsEmpty());
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

TEST(SimulationSelfTest, FindsMailsAcknowledgedBeforeTheCommit) {
  EXPECT_FINDS_WITH_MAIL(hasty_acknowledgement(), "was told 250 for S", "before the store held it");
  EXPECT_FINDS_WITH_MAIL(forgetful_store(), "was told 250 and is lost");
}

TEST(SimulationSelfTest, FindsForgottenMedia) {
  EXPECT_FINDS_WITH_MAIL(forgotten_media(), "is stored without its media", "ended as rejected for no reason");
}

TEST(SimulationSelfTest, FindsMailsThatAreTakenForNewOnes) {
  EXPECT_FINDS_WITH_MAIL(forgotten_duplicates(), "is stored 2 times; 1 would be right");
}

TEST(SimulationSelfTest, FindsMailsThatGoOutTwice) {
  EXPECT_FINDS_WITH_MAIL(repeated_sends(), "times in the sight of the gateway");
}

TEST(SimulationSelfTest, FindsReportsOfMailPeersThatAreDropped) {
  EXPECT_FINDS_WITH_MAIL(swallowed_reports(), "was told 250 for the report");
}

TEST(SimulationSelfTest, ASeedReplaysToTheLastLine) {
  for (const bool with_mail : {false, true}) {
    for (std::uint64_t seed = 1; seed <= (with_mail ? mail_seeds_max : seeds_max); ++seed) {
      const run_options o{.seed = seed, .load = with_mail ? 0.3 : 1, .with_mail = with_mail};
      const auto first = run_seed(o), second = run_seed(o);
      EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
      EXPECT_EQ(first.lines, second.lines) << "seed " << seed;
    }
  }
}

TEST(SimulationSelfTest, SeedsDiffer) { EXPECT_NE(run_seed({.seed = 1}).hash, run_seed({.seed = 2}).hash); }
