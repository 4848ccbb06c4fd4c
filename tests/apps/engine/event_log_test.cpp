#include "engine/event_log.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {
constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};
}

TEST(EventLog, GivesBackWhatWasAdded) {
  event_log log;
  log.add(t0, event_kind::accepted, 0, 0, "", "client:alice");
  log.add(t0 + 5ms, event_kind::attempt_failed, 2, 0x58, "carrier:up1", "throttled");
  const auto entries = log.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1], (message_event{t0 + 5ms, event_kind::attempt_failed, 2, 0x58, "carrier:up1", "throttled"}));
  EXPECT_EQ(log.dropped(), 0u);
}

TEST(EventLog, KeepsTheFirstAndTheLatestWhenFull) {
  event_log log;
  for (std::uint32_t i = 0; i < 100; ++i) log.add(t0 + std::chrono::milliseconds{i}, event_kind::attempt, i, 0, "e", "");
  const auto entries = log.entries();
  ASSERT_EQ(entries.size(), event_log::events_max);
  EXPECT_EQ(entries.front().attempt, 0u);
  EXPECT_EQ(entries[1].attempt, 100 - event_log::events_max + 1);
  EXPECT_EQ(entries.back().attempt, 99u);
  EXPECT_EQ(log.dropped(), 100 - event_log::events_max);
}

TEST(EventLog, CutsLongTexts) {
  event_log log;
  log.add(t0, event_kind::report, 1, 0, std::string(400, 'e'), std::string(400, 'd'));
  EXPECT_EQ(log.entries()[0].endpoint.size(), 255u);
  EXPECT_EQ(log.entries()[0].detail.size(), 255u);
}

TEST(EventLog, DecodesOnlyWholeEntries) {
  event_log log;
  log.add(t0, event_kind::accepted, 0, 0, "", "client:alice");
  const auto octets = log.encoded();
  ASSERT_TRUE(event_log::decode(octets, 0));
  EXPECT_EQ(*event_log::decode(octets, 0), log);
  for (std::size_t n = 1; n < octets.size(); ++n) EXPECT_FALSE(event_log::decode(octets.first(n), 0)) << n;
}

TEST(EventLog, EveryKindHasAName) {
  for (std::size_t i = 0; i < event_kind_count; ++i) EXPECT_FALSE(name(static_cast<event_kind>(i)).empty());
}
