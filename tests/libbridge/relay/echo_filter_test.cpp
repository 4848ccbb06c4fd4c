#include "msgkit/bridge/relay/echo_filter.hpp"

#include <gtest/gtest.h>

namespace msgkit::bridge {
namespace {

using namespace std::chrono_literals;
using enum echo_filter::side;
const time_point start = time_point{} + 1h;

TEST(EchoFilter, HashesAsItsAuthorsSay) {
  // Appendix A of the paper: key 00 01 .. 0f, message 00 01 .. 0e.
  std::string message;
  for (char c = 0; c < 15; ++c) message += c;
  EXPECT_EQ(keyed_hash({0x0706050403020100u, 0x0f0e0d0c0b0a0908u}, message), 0xa129ca6149be45e5u);
}

TEST(EchoFilter, WhatWasSentComesBackOnce) {
  echo_filter f({});
  f.sent(mqtt, "a", "x", start);
  f.sent(mqtt, "a", "x", start);
  EXPECT_FALSE(f.is_echo(redis, "a", "x", start));
  EXPECT_FALSE(f.is_echo(mqtt, "ax", "", start));
  EXPECT_TRUE(f.is_echo(mqtt, "a", "x", start));
  EXPECT_TRUE(f.is_echo(mqtt, "a", "x", start + 4s));
  EXPECT_FALSE(f.is_echo(mqtt, "a", "x", start + 4s));
}

TEST(EchoFilter, ForgetsAfterAWhile) {
  echo_filter f({});
  f.sent(mqtt, "a", "x", start);
  EXPECT_TRUE(f.is_echo(mqtt, "a", "x", start));
  f.sent(mqtt, "a", "x", start + 3s);
  EXPECT_TRUE(f.is_echo(mqtt, "a", "x", start + 6s));  // the first one is over, the second is not
  f.sent(mqtt, "a", "x", start + 6s);
  EXPECT_FALSE(f.is_echo(mqtt, "a", "x", start + 11s));
  EXPECT_EQ(f.size(), 0u);
}

TEST(EchoFilter, KeepsNoMoreThanItMay) {
  echo_filter f({.entries_max = 2});
  for (const auto* payload : {"1", "2", "3"}) f.sent(redis, "a", payload, start);
  EXPECT_EQ(f.size(), 2u);
  EXPECT_FALSE(f.is_echo(redis, "a", "3", start));
  EXPECT_TRUE(f.is_echo(redis, "a", "1", start));
}

}  // namespace
}  // namespace msgkit::bridge
