#include "msgkit/core/utf.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/hex.hpp"

using namespace msgkit;

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    bool ill_formed = false;
    std::size_t i = 0;
    ASSERT_EQ(next_code_point(text, i, ill_formed), c);
    ASSERT_FALSE(ill_formed);
    ASSERT_EQ(i, text.size());
  }
}

TEST(Utf8, RejectsOverlongSurrogatesAndTruncation) {
  for (const std::string_view bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\x80",
                                     "\xE2\x82", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << to_hex(as_bytes(bad));
  }
  EXPECT_TRUE(is_valid_utf8("na\xC3\xAFve \xF0\x9F\x98\x80"));
}

TEST(Utf8, IllFormedInputAlwaysAdvances) {
  std::string text;
  for (int c = 0; c < 256; ++c) text.push_back(static_cast<char>(c));
  EXPECT_GE(count_code_points(text), 128u);
}

TEST(Utf8, TheAsciiPrefixEndsAtTheFirstHighOctet) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'a');
    EXPECT_EQ(ascii_prefix(text.substr(0, at)), at);
    text[at] = '\x80';
    EXPECT_EQ(ascii_prefix(text), at);
    EXPECT_FALSE(is_valid_utf8(text));
    EXPECT_EQ(repaired_utf8(text).size(), text.size() + 2);
  }
}

TEST(Utf8, RepairsWhatIsIllFormedOnly) {
  EXPECT_EQ(repaired_utf8("na\xC3\xAFve \xF0\x9F\x98\x80"), "na\xC3\xAFve \xF0\x9F\x98\x80");
  EXPECT_EQ(repaired_utf8("a\xFF" "b\xC3"), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD");
}

TEST(Utf16, UsesSurrogatePairsForAstralPlanes) {
  EXPECT_EQ(to_hex(utf8_to_utf16be("a\xF0\x9F\x98\x80")), "0061d83dde00");
  EXPECT_EQ(utf16be_to_utf8(*from_hex("0061d83dde00")), "a\xF0\x9F\x98\x80");
}

TEST(Utf16, FlagsLoneSurrogatesAndOddOctets) {
  bool irregular = false;
  EXPECT_EQ(utf16be_to_utf8(*from_hex("d83d0061"), &irregular), "\xEF\xBF\xBD" "a");
  EXPECT_TRUE(irregular);
  irregular = false;
  EXPECT_EQ(utf16be_to_utf8(*from_hex("006100"), &irregular), "a");
  EXPECT_TRUE(irregular);
  irregular = false;
  EXPECT_EQ(utf16be_to_utf8(*from_hex("00610062"), &irregular), "ab");
  EXPECT_FALSE(irregular);
}
