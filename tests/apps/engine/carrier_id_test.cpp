#include "engine/carrier_id.hpp"

#include <gtest/gtest.h>

using namespace msgkit::engine;

TEST(CarrierId, FoldingIgnoresCaseAndLeadingZeros) {
  EXPECT_EQ(normal_form("00AbC", id_form::folded), normal_form("abc", id_form::folded));
  EXPECT_NE(normal_form("abc0", id_form::folded), normal_form("abc", id_form::folded));
}

TEST(CarrierId, ExactKeepsEveryOctet) { EXPECT_NE(normal_form("ABC", id_form::exact), normal_form("abc", id_form::exact)); }

TEST(CarrierId, HexadecimalAnswerMatchesDecimalReport) {
  EXPECT_EQ(normal_form("0A1F", id_form::hex), normal_form("2591", id_form::decimal));
  EXPECT_EQ(normal_form("ffffffffffffffffffffffffffffffff", id_form::hex),
            normal_form("340282366920938463463374607431768211455", id_form::decimal));
}

TEST(CarrierId, WhatIsNoNumberIsFolded) {
  EXPECT_EQ(normal_form("00XY", id_form::decimal), "xy");
  EXPECT_EQ(normal_form("340282366920938463463374607431768211456", id_form::decimal),
            "340282366920938463463374607431768211456");
  EXPECT_EQ(normal_form("", id_form::hex), "");
}

TEST(CarrierId, HashSeparatesEndpoints) {
  EXPECT_NE(correlation_hash("carrier:a", "1"), correlation_hash("carrier:b", "1"));
  EXPECT_NE(correlation_hash("carrier:a", "1"), correlation_hash("carrier:", "a1"));
}
