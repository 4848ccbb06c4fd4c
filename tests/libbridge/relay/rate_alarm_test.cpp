#include "msgkit/bridge/relay/rate_alarm.hpp"

#include <gtest/gtest.h>

namespace msgkit::bridge {
namespace {

using namespace std::chrono_literals;

struct counted {
  // `rate` messages in each of that many seconds; whether it was raised at the end of the last.
  bool run(int rate, int seconds) {
    bool raised = false;
    for (int s = 0; s < seconds; ++s, now += 1s) {
      for (int i = 0; i < rate; ++i) a.count(now);
      raised = a.is_raised(now);
    }
    return raised;
  }
  rate_alarm a;
  time_point now = time_point{} + 1h;
};

TEST(RateAlarm, IsRaisedAfterFiveSecondsOfTenTimesTheUsual) {
  counted c;
  EXPECT_FALSE(c.run(20, 120));
  EXPECT_FALSE(c.run(250, 5));
  EXPECT_TRUE(c.run(250, 1));
  EXPECT_TRUE(c.run(250, 30));
  EXPECT_FALSE(c.run(20, 2));
}

TEST(RateAlarm, IsNotRaisedByALittleOrByABurst) {
  counted c;
  EXPECT_FALSE(c.run(1, 120));
  EXPECT_FALSE(c.run(99, 20));  // under what is alarming at all
  EXPECT_FALSE(c.run(2'000, 4));
  EXPECT_FALSE(c.run(50, 10));
}

TEST(RateAlarm, KnowsNothingInItsFirstMinute) {
  counted c;
  EXPECT_FALSE(c.run(10'000, 59));
}

TEST(RateAlarm, GetsUsedToANewRate) {
  counted c;
  (void)c.run(20, 120);
  EXPECT_TRUE(c.run(250, 50));
  EXPECT_FALSE(c.run(250, 60));
}

TEST(RateAlarm, IsOverWhenNothingComesAnyMore) {
  counted c;
  (void)c.run(20, 120);
  EXPECT_TRUE(c.run(250, 10));
  EXPECT_FALSE(c.a.is_raised(c.now + 10s));
  c.now += 1h;
  EXPECT_TRUE(c.run(250, 20));  // out of silence
}

}  // namespace
}  // namespace msgkit::bridge
