#include "msgkit/core/backoff.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace std::chrono_literals;

TEST(Backoff, GrowsUpToTheMaximumAndIsReproducible) {
  const backoff_options plain{.initial = 100ms, .maximum = 1s, .factor = 2.0, .jitter = 0.0};
  EXPECT_EQ(backoff_delay(plain, 0, 1), 100ms);
  EXPECT_EQ(backoff_delay(plain, 1, 1), 200ms);
  EXPECT_EQ(backoff_delay(plain, 3, 1), 800ms);
  EXPECT_EQ(backoff_delay(plain, 4, 1), 1s);
  EXPECT_EQ(backoff_delay(plain, 4'000'000'000u, 1), 1s);
}

TEST(Backoff, JitterSpreadsSeedsWithinBounds) {
  const backoff_options options{.initial = 1s, .maximum = 60s, .factor = 2.0, .jitter = 0.2};
  bool differ = false;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const auto delay = backoff_delay(options, 2, seed);
    EXPECT_GE(delay, 3200ms);
    EXPECT_LE(delay, 4800ms);
    EXPECT_EQ(delay, backoff_delay(options, 2, seed));
    differ = differ || delay != backoff_delay(options, 2, 0);
  }
  EXPECT_TRUE(differ);
}
