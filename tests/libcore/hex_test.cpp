#include "msgkit/core/hex.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/error.hpp"

using namespace msgkit;

TEST(Hex, RoundTripsEveryOctet) {
  byte_vector all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  const auto back = from_hex(to_hex(all));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, all);
}

TEST(Hex, AcceptsSeparatorsPrefixAndBothCases) {
  const auto octets = from_hex(" 0xDE:ad-BE ef\n");
  ASSERT_TRUE(octets);
  EXPECT_EQ(to_hex(*octets), "deadbeef");
}

TEST(Hex, NamesTheFirstBadCharacter) {
  const auto bad = from_hex("00g1");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::invalid_hex);
  EXPECT_EQ(bad.error().offset, 2u);
  const auto odd = from_hex("001");
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().offset, 3u);
}

TEST(Hex, DumpShowsOffsetOctetsAndText) {
  EXPECT_EQ(hex_dump(as_bytes("SMPP\n")),
            "000000  53 4d 50 50 0a                                   SMPP.\n");
}
