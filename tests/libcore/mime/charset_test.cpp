#include "msgkit/core/mime/charset.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

std::string convert(std::string_view octets, std::string_view charset) { return to_utf8(as_bytes(octets), charset).value_or("?"); }

TEST(Charset, ConvertsWhatIconvKnows) {
  EXPECT_EQ(convert("\xE4", "ISO-8859-1"), "\xC3\xA4");
  EXPECT_EQ(convert("\xC7\xD1\xB1\xDB", "euc-kr"), "한글");
  EXPECT_EQ(convert(std::string_view("\xFE\xFF\0a", 4), "utf-16"), "a");
  EXPECT_EQ(convert("\xEF\xBB\xBFhi", "utf-8"), "hi");
}

TEST(Charset, RefusesUnknownNamesAndOptions) {
  EXPECT_EQ(to_utf8({}, "no-such-charset").error().code, errc::charset_unknown);
  EXPECT_EQ(to_utf8({}, "ascii//TRANSLIT").error().code, errc::charset_unknown);
  EXPECT_EQ(to_utf8({}, "").error().code, errc::charset_unknown);
  EXPECT_EQ(to_utf8({}, std::string(1000, 'x')).error().code, errc::charset_unknown);
}

TEST(Charset, ReplacesWhatDoesNotConvert) {
  EXPECT_EQ(convert("a\xFF\x62", "utf-8"), "a\xEF\xBF\xBD" "b");
  EXPECT_EQ(convert("a\xFF\xFF", "euc-kr"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Charset, GuessesWhenItIsToldNothingOrALie) {
  EXPECT_EQ(to_utf8_or_guess(as_bytes("gr\xC3\xBC\xC3\x9F"), "us-ascii"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(to_utf8_or_guess(as_bytes("gr\xFC\xDF"), ""), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(to_utf8_or_guess(as_bytes("gr\xFC\xDF"), "utf-8"), "gr\xC3\xBC\xC3\x9F");
}

}  // namespace
}  // namespace msgkit::mime
