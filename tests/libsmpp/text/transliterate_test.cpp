#include "msgkit/smpp/text/transliterate.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/utf.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

std::string fitted(std::string_view text, const transliterate_options& options = {}) {
  const auto t = transliterate(text, options);
  EXPECT_TRUE(t.fits) << text;
  EXPECT_TRUE(gsm7_septets(t.text, options.alphabet)) << text;
  return t.text;
}

}  // namespace

TEST(Transliterate, ReplacesTypography) {
  EXPECT_EQ(fitted("\u201cIt\u2019s\u201d \u2013 now\u2026"), "\"It's\" - now...");
  EXPECT_EQ(fitted("\u2018\u201a\u201b\u2032\u00b4`"), "''''''");
  EXPECT_EQ(fitted("\u201e\u201f\u2033\u00ab\u00bb"), "\"\"\"\"\"");
  EXPECT_EQ(fitted("\u2010\u2015\u2212\u00ad"), "----");
  EXPECT_EQ(fitted("a\u00a0b\u2003c\u3000d\te"), "a b c d e");
  EXPECT_EQ(fitted("a\u200bb\u2060c\ufeff"), "abc");
  EXPECT_EQ(fitted("\u2022\u00b7\u2122\u00a9\u00ae"), "*.TM(c)(r)");
}

TEST(Transliterate, ReducesAccentsThatGsmLacks) {
  EXPECT_EQ(fitted("\u00e1\u00ea\u00ed\u00f3\u00fa"), "aeiou");
  EXPECT_EQ(fitted("\u0160koda \u0141\u00f3d\u017a \u015fi\u015f"), "Skoda Lodz sis");
  EXPECT_EQ(fitted("a\u0301"), "a");
  EXPECT_EQ(fitted("fa\u00e7ade"), "fa\u00c7ade");
  EXPECT_EQ(fitted("fa\u00e7ade", {.cedilla_as_capital = false}), "facade");
}

TEST(Transliterate, MapsGreekToWhatGsmHas) {
  EXPECT_EQ(fitted("\u0391\u0392\u0393\u03b4"), "AB\u0393\u0394");
  EXPECT_EQ(fitted("\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1"), "KA\u039bHMEPA");
  EXPECT_EQ(fitted("\u03c3\u03b1\u03c2"), "\u03a3A\u03a3");
}

TEST(Transliterate, LeavesAloneWhatHasAPlace) {
  const std::string text = "@ $ % & * + / = < > \u20ac # _ \\ ^ ~ | {[]} \u00e9\u00e0\u00f1 \u0394";
  const auto t = transliterate(text);
  EXPECT_TRUE(t.fits);
  EXPECT_EQ(t.text, text);
  EXPECT_TRUE(t.changes.empty());
  EXPECT_EQ(fitted("\u00e7", {.alphabet = {.locking = gsm7_language::turkish}}), "\u00e7");
}

TEST(Transliterate, KeepsTheOriginalWhenAnythingStaysOutside) {
  for (const std::string text : {"\u201chi\u201d \U0001F600", "\u2019\u0416", "\u2019\xff", "\u4e2d"}) {
    const auto t = transliterate(text);
    EXPECT_FALSE(t.fits);
    EXPECT_EQ(t.text, text);
    EXPECT_TRUE(t.changes.empty());
  }
}

TEST(Transliterate, ReportsWhatChanged) {
  const auto t = transliterate("a\u2019b\u200b\u2026");
  ASSERT_EQ(t.changes.size(), 3u);
  EXPECT_EQ(t.changes[0], (transliteration_change{1, 0x2019, "'"}));
  EXPECT_EQ(t.changes[1], (transliteration_change{5, 0x200B, ""}));
  EXPECT_EQ(t.changes[2], (transliteration_change{8, 0x2026, "..."}));
}

TEST(Transliterate, EveryReplacementIsRepresentable) {
  std::size_t replaced = 0;
  for (char32_t c = 1; c < 0x10000; ++c) {
    std::string text;
    append_utf8(text, c);
    const auto t = transliterate(text);
    if (t.fits && !t.changes.empty()) {
      ++replaced;
      EXPECT_TRUE(gsm7_septets(t.text)) << std::hex << static_cast<unsigned>(c);
    }
  }
  EXPECT_GT(replaced, 600u);
}
