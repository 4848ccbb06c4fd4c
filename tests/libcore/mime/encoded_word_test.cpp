#include "msgkit/core/mime/encoded_word.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/header.hpp"

namespace msgkit::mime {
namespace {

TEST(EncodedWord, DecodesBothEncodings) {
  EXPECT_EQ(decode_words("=?utf-8?Q?gr=C3=BC=C3=9Fe_an?= alle"), "gr\xC3\xBC\xC3\x9F" "e an alle");
  EXPECT_EQ(decode_words("Re: =?ISO-8859-1?B?5Pb8?="), "Re: \xC3\xA4\xC3\xB6\xC3\xBC");
  EXPECT_EQ(decode_words("=?utf-8*en?q?x?="), "x");
}

TEST(EncodedWord, JoinsNeighboursEvenInTheMiddleOfACharacter) {
  EXPECT_EQ(decode_words("=?utf-8?Q?a?= =?utf-8?Q?b?="), "ab");
  EXPECT_EQ(decode_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), "\xC3\xBC");
}

TEST(EncodedWord, LeavesWhatDoesNotDecode) {
  for (const auto* text : {"=?utf-8?Q?open", "=?x", "a =? b", "=?utf-8?B?!!?=", "=?utf-8?Z?x?="}) EXPECT_EQ(decode_words(text), text);
}

// V18: header injection through an encoded word.
TEST(EncodedWord, TurnsLineEndsIntoBlanks) {
  const auto text = decode_words("=?utf-8?Q?a=0D=0ABcc:_x?=");
  EXPECT_EQ(text, "a  Bcc: x");
  EXPECT_TRUE(is_safe_value(text));
}

TEST(EncodedWord, RoundTripsAnyText) {
  for (const std::string text : {"plain", "gr\xC3\xBC\xC3\x9F" "e", "two  blanks", " leading", "=?fake?=", "Привет, мир! Привет, мир! Привет, мир!", ""}) {
    const auto encoded = encode_words(text);
    EXPECT_EQ(decode_words(encoded), text) << encoded;
    std::size_t at = 0;
    for (const char c : encoded) {
      EXPECT_GT(c, 0);
      EXPECT_LE(at = c == ' ' ? 0 : at + 1, 75u);
    }
  }
  EXPECT_EQ(encode_words("plain"), "plain");
}

}  // namespace
}  // namespace msgkit::mime
