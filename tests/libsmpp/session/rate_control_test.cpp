#include "msgkit/smpp/rate_control.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace msgkit::smpp;
using namespace std::chrono_literals;

namespace {

// Sends whenever it may, and moves time by hand.
struct sender {
  explicit sender(const rate_options& o) : control(o) {}
  std::size_t send_for(duration time, bool accepted = true) {
    const auto end = now + time;
    std::size_t sent = 0;
    while (now < end) {
      if (control.is_ready(now)) {
        control.take(now);
        if (accepted) control.on_accepted(now);
        ++sent;
        if (control.per_second() <= 0) now += 1ms;  // unlimited: a thousand a second
      } else {
        now = std::min(end, std::max(control.ready_at(now), now + 1us));
      }
    }
    return sent;
  }
  rate_control control;
  time_point now{1h};
};

}  // namespace

TEST(RateControl, WithoutACeilingNothingWaits) {
  sender s({});
  EXPECT_EQ(s.send_for(10s), 10'000u);
  EXPECT_EQ(s.control.per_second(), 0);
}

TEST(RateControl, HoldsItsCeilingOverAnySecond) {
  sender s({.per_second = 50, .burst = 0ms});
  EXPECT_EQ(s.send_for(1s), 50u);
  EXPECT_NEAR(static_cast<double>(s.send_for(10s)), 500, 1);
}

TEST(RateControl, UnusedTimeIsMadeUpForByNoMoreThanTheBurst) {
  sender s({.per_second = 100, .burst = 100ms});
  s.send_for(1s);
  s.now += 1h;
  std::size_t at_once = 0;
  while (s.control.is_ready(s.now)) s.control.take(s.now), ++at_once;
  EXPECT_EQ(at_once, 10u);
}

TEST(RateControl, ARateBelowTheBurstStillSendsOneByOne) {
  sender s({.per_second = 2, .burst = 100ms});
  EXPECT_EQ(s.send_for(5s), 10u);
}

TEST(RateControl, AComplaintPausesAndHalves) {
  sender s({.per_second = 100});
  s.send_for(2s);
  s.control.on_throttled(s.now);
  EXPECT_EQ(s.control.per_second(), 50);
  EXPECT_TRUE(s.control.is_paused(s.now));
  EXPECT_EQ(s.control.ready_at(s.now), s.now + 1s);
  EXPECT_EQ(s.send_for(1s), 0u);
  EXPECT_NEAR(static_cast<double>(s.send_for(1s, false)), 50, 6);
}

TEST(RateControl, AWindowFullOfComplaintsCountsOnce) {
  sender s({.per_second = 100});
  s.send_for(1s);
  for (int i = 0; i < 100; ++i) s.control.on_throttled(s.now += 1ms);
  EXPECT_EQ(s.control.per_second(), 50);
  EXPECT_EQ(s.control.decreases(), 1u);
}

TEST(RateControl, PausesDoubleWhileComplaintsGoOnAndBeginAnewAfterAGoodSecond) {
  sender s({.per_second = 100, .pause = 1s, .pause_max = 4s});
  for (const auto expected : {1s, 2s, 4s, 4s}) {
    s.control.on_throttled(s.now);
    EXPECT_EQ(s.control.ready_at(s.now) - s.now, expected);
    s.now = s.control.ready_at(s.now);
  }
  s.send_for(3s);
  s.control.on_throttled(s.now);
  EXPECT_EQ(s.control.ready_at(s.now) - s.now, 1s);
}

TEST(RateControl, GrowsByTheSameAmountEverySecondUpToTheCeiling) {
  sender s({.per_second = 100, .increase = 10});
  s.control.on_throttled(s.now);
  s.send_for(1s);  // the pause
  double last = s.control.per_second();
  for (int i = 0; i < 4; ++i) {
    s.send_for(1050ms);
    EXPECT_NEAR(s.control.per_second() - last, 10, 2);
    last = s.control.per_second();
  }
  s.send_for(10s);
  EXPECT_EQ(s.control.per_second(), 100);
}

TEST(RateControl, ComplaintsNeverBringItBelowItsMinimum) {
  sender s({.per_second = 10, .per_second_min = 2});
  for (int i = 0; i < 20; ++i) {
    s.control.on_throttled(s.now);
    s.now = s.control.ready_at(s.now);
  }
  EXPECT_EQ(s.control.per_second(), 2);
}

TEST(RateControl, WithoutACeilingHalfOfWhatWasSentIsTheBeginningAndTheLimitIsLiftedLater) {
  sender s({});
  s.send_for(3s);
  s.control.on_throttled(s.now);
  EXPECT_NEAR(s.control.per_second(), 500, 20);
  s.send_for(1s);
  EXPECT_NEAR(static_cast<double>(s.send_for(1s, false)), 500, 60);
  s.send_for(60s);
  EXPECT_EQ(s.control.per_second(), 0) << "twice what was refused went well";
}

TEST(RateControl, APlainBucketDoesNotListen) {
  sender s({.per_second = 100, .follows_peer = false});
  s.control.on_throttled(s.now);
  EXPECT_EQ(s.control.per_second(), 100);
  EXPECT_FALSE(s.control.is_paused(s.now));
}

TEST(RateControl, AnIdleHourDoesNotGrowTheRateAtOnce) {
  sender s({.per_second = 1000, .increase = 1});
  s.control.on_throttled(s.now);
  s.now += 1h;
  s.control.on_accepted(s.now);
  EXPECT_LE(s.control.per_second(), 511);
}

TEST(RateControl, TheTwoStatusesThatAskForLess) {
  EXPECT_TRUE(is_throttling(command_status::throttled));
  EXPECT_TRUE(is_throttling(command_status::message_queue_full));
  EXPECT_FALSE(is_throttling(command_status::system_error));
}
