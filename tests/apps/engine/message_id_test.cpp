#include "engine/message_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/error.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {
constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};
}

TEST(MessageId, TextIsAUuidVersion7AndComesBack) {
  id_source ids{5};
  for (int i = 0; i < 10'000; ++i) {
    const auto id = ids.next(t0 + std::chrono::milliseconds{i / 7});
    const auto text = id.text();
    ASSERT_EQ(text.size(), 36u);
    EXPECT_EQ(text[14], '7');
    EXPECT_NE(std::string_view{"89ab"}.find(text[19]), std::string_view::npos);
    const auto back = message_id::parse(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, id);
  }
}

TEST(MessageId, TextStartsWithUnixMilliseconds) {
  id_source ids;
  const auto text = ids.next(t0).text();
  EXPECT_EQ(std::stoull(text.substr(0, 8) + text.substr(9, 4), nullptr, 16),
            static_cast<std::uint64_t>(t0.time_since_epoch().count()));
}

TEST(MessageId, TextSortsAsKeysDo) {
  id_source ids{1023};
  std::string last;
  for (int i = 0; i < 20'000; ++i) {
    const auto text = ids.next(t0 + std::chrono::milliseconds{i / 5'000}).text();
    EXPECT_LT(last, text);
    last = text;
  }
}

TEST(MessageId, UpperCaseIsAccepted) {
  id_source ids;
  const auto id = ids.next(t0);
  auto text = id.text();
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  ASSERT_TRUE(message_id::parse(text));
  EXPECT_EQ(*message_id::parse(text), id);
}

TEST(MessageId, ForeignUuidsAreRefused) {
  id_source ids;
  const auto good = ids.next(t0).text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i] == '-') continue;
    auto bad = good;
    bad[i] = bad[i] == '0' ? '1' : '0';
    const auto parsed = message_id::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, errc::foreign_id);
  }
  EXPECT_FALSE(message_id::parse("00000000-0000-7000-8000-000000000000"));
  EXPECT_FALSE(message_id::parse("ffffffff-ffff-7fff-bfff-ffffffffffff"));
}

TEST(MessageId, TextThatIsNoUuidIsRefusedWithItsPlace) {
  EXPECT_EQ(message_id::parse("").error().code, errc::malformed_id);
  EXPECT_EQ(message_id::parse("x").error().code, errc::malformed_id);
  const auto parsed = message_id::parse("0199b3c5-6a00-7000-8000-0000000000g0");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().offset, 34u);
  EXPECT_FALSE(message_id::parse("0199b3c5a6a00-7000-8000-000000000000"));
}

TEST(IdSource, GrowsWhenTheClockStandsStillOrStepsBack) {
  id_source ids;
  message_id last;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = ids.next(i < 5'000 ? t0 : t0 - 1h);
    EXPECT_GT(id, last);
    last = id;
  }
  EXPECT_LT(last.time() - t0, 10ms);
}

TEST(IdSource, ContinuesAfterARestart) {
  id_source before, after;
  const auto used = before.next(t0 + 1h);
  after.advance_past(used);
  EXPECT_GT(after.next(t0), used);
}

TEST(IdSource, InstancesNeverCollide) {
  id_source a{1}, b{2};
  std::vector<message_id> seen;
  for (int i = 0; i < 9'000; ++i) {
    seen.push_back(a.next(t0));
    seen.push_back(b.next(t0));
  }
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

TEST(IdSource, ScanBoundIsBelowEveryIdOfItsTime) {
  id_source ids;
  EXPECT_LT(first_id_at(t0).key(), ids.next(t0).key() + 1);
  EXPECT_GT(first_id_at(t0 + 1ms), ids.last());
}
