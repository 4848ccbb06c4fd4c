#include "connectors/pacer.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace std::chrono_literals;
using app::pacer;

namespace {

constexpr time_point start{1h};

// How many events a pacer lets through in `period` when somebody always wants to.
int count(pacer& p, duration period) {
  int events = 0;
  for (auto now = start; now < start + period; now += 1ms)
    while (p.is_ready(now)) {
      p.take(now);
      ++events;
    }
  return events;
}

}  // namespace

TEST(Pacer, ZeroMeansNoLimit) {
  pacer p{0};
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(p.is_ready(start));
    p.take(start);
  }
}

TEST(Pacer, KeepsTheRateOverTime) {
  for (const double rate : {1.0, 10.0, 100.0, 333.0}) {
    pacer p{rate};
    EXPECT_NEAR(count(p, 10s), rate * 10, rate * 0.1 + 1) << rate;
  }
}

TEST(Pacer, ABurstIsATenthOfASecond) {
  pacer p{100};
  int burst = 0;
  for (; p.is_ready(start); ++burst) p.take(start);
  EXPECT_EQ(burst, 11);  // ten ahead of time, and the one that is due
  EXPECT_FALSE(p.is_ready(start));
  EXPECT_GT(p.ready_at(), start);
  EXPECT_TRUE(p.is_ready(p.ready_at()));
}

TEST(Pacer, IdleTimeIsNotSavedUp) {
  pacer p{10};
  p.take(start);
  const auto later = start + 1h;
  int burst = 0;
  for (; p.is_ready(later); ++burst) p.take(later);
  EXPECT_LE(burst, 2);
}
