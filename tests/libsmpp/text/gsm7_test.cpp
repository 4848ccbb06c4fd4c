#include "msgkit/smpp/text/gsm7.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

byte_vector encode(std::string_view utf8, gsm7_alphabet a = {}) {
  byte_vector out;
  const auto done = gsm7_encode(utf8, a, out);
  EXPECT_TRUE(done) << utf8;
  return out;
}
std::string packed_hex(std::string_view utf8, gsm7_padding padding) {
  byte_vector out;
  gsm7_pack(encode(utf8), 0, out, padding);
  return to_hex(out);
}
std::string utf8_of(char32_t c) {
  std::string s;
  append_utf8(s, c);
  return s;
}
std::string decode_hex(std::string_view hex, gsm7_alphabet a = {}) { return gsm7_decode(*from_hex(hex), a).text; }

gsm7_alphabet both(gsm7_language l) { return {l, l}; }
const gsm7_language all_languages[] = {
    gsm7_language::none,   gsm7_language::turkish,   gsm7_language::spanish, gsm7_language::portuguese,
    gsm7_language::bengali, gsm7_language::gujarati,  gsm7_language::hindi,   gsm7_language::kannada,
    gsm7_language::malayalam, gsm7_language::oriya,   gsm7_language::punjabi, gsm7_language::tamil,
    gsm7_language::telugu, gsm7_language::urdu};

}  // namespace

TEST(Gsm7, EncodesTheDefaultAlphabetInItsOrder) {
  const std::string table =
      "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5"
      "\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9"
      " !\"#\u00a4%&'()*+,-./0123456789:;<=>?"
      "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7"
      "\u00bf" "abcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0";
  byte_vector expected;
  for (std::uint8_t code = 0; code < 128; ++code) {
    if (code != 0x1B) expected.push_back(code);
  }
  EXPECT_EQ(encode(table), expected);
  const auto back = gsm7_decode(expected);
  EXPECT_EQ(back.text, table);
  EXPECT_FALSE(back.irregular);
}

TEST(Gsm7, EncodesTheExtensionThroughEscape) {
  const std::string text = "\f^{}\\[~]|\u20ac";
  EXPECT_EQ(to_hex(encode(text)), "1b0a1b141b281b291b2f1b3c1b3d1b3e1b401b65");
  EXPECT_EQ(decode_hex("1b0a1b141b281b291b2f1b3c1b3d1b3e1b401b65"), text);
}

TEST(Gsm7, KeepsTheTrapsOfTheAlphabetApart) {
  EXPECT_EQ(to_hex(encode("$@_")), "020011");
  EXPECT_EQ(decode_hex("24"), "\u00a4");
  EXPECT_EQ(decode_hex("09"), "\u00c7");
  EXPECT_EQ(decode_hex("60"), "\u00bf");
  EXPECT_FALSE(gsm7_septets("`"));
  EXPECT_FALSE(gsm7_septets("\u00e7"));
}

TEST(Gsm7, CountsSeptets) {
  EXPECT_EQ(gsm7_septets(""), 0u);
  EXPECT_EQ(gsm7_septets("abc"), 3u);
  EXPECT_EQ(gsm7_septets("a\u20ac[]"), 7u);
  EXPECT_EQ(gsm7_septets("\U0001F600"), std::nullopt);
  EXPECT_EQ(gsm7_septets("\x80"), std::nullopt);
  EXPECT_EQ(gsm7_septets("\u015f"), std::nullopt);
  EXPECT_EQ(gsm7_septets("\u015f", {.single = gsm7_language::turkish}), 2u);
  EXPECT_EQ(gsm7_septets("\u015f", {.locking = gsm7_language::turkish}), 1u);
  EXPECT_EQ(gsm7_septets(std::string(100'000, 'x')), 100'000u);
}

TEST(Gsm7, ReportsWhichCharacterHasNoPlaceAndLeavesTheOutputAlone) {
  byte_vector out{1, 2};
  const auto r = gsm7_encode("ab\u20ac\u0416z", {}, out);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, text_errc::not_representable);
  EXPECT_EQ(r.error().offset, 5u);
  EXPECT_EQ(out, (byte_vector{1, 2}));
}

TEST(Gsm7, LeavesTheOutputAloneWhenALongTextFailsLate) {
  byte_vector out{7};
  EXPECT_FALSE(gsm7_encode(std::string(5'000, 'a') + "\u0416", {}, out));
  EXPECT_EQ(out, byte_vector{7});
}

TEST(Gsm7, LossyEncodingWritesQuestionMarks) {
  byte_vector out;
  EXPECT_EQ(gsm7_encode_lossy("a\u0416\U0001F600z\xff", {}, out), 3u);
  EXPECT_EQ(gsm7_decode(out).text, "a??z?");
}

TEST(Gsm7, ShowsTheBasicCharacterForAnUnknownEscape) {
  const auto r = gsm7_decode(*from_hex("1b41"));
  EXPECT_EQ(r.text, "A");
  EXPECT_TRUE(r.irregular);
  EXPECT_EQ(decode_hex("1b0d"), "\r");
}

TEST(Gsm7, ShowsASpaceForALoneEscape) {
  for (const auto hex : {"611b", "611b1b"}) {
    const auto r = gsm7_decode(*from_hex(hex));
    EXPECT_EQ(r.text, "a ") << hex;
    EXPECT_TRUE(r.irregular);
  }
}

TEST(Gsm7, ReplacesOctetsAbove7F) {
  const auto r = gsm7_decode(*from_hex("6180621b80"));
  EXPECT_EQ(r.text, "a\uFFFD" "b \uFFFD");
  EXPECT_TRUE(r.irregular);
}

TEST(Gsm7, ShowsASpaceForAnUnassignedPosition) {
  const auto r = gsm7_decode(*from_hex("0b0e01"), {.locking = gsm7_language::bengali});
  EXPECT_EQ(r.text, "\u098c \u0982");
  EXPECT_TRUE(r.irregular);
}

TEST(Gsm7, FlagsALanguageWithoutATable) {
  const auto spanish = gsm7_decode(*from_hex("61"), {.locking = gsm7_language::spanish});
  EXPECT_EQ(spanish.text, "a");
  EXPECT_TRUE(spanish.irregular);
  const auto unknown = gsm7_decode(*from_hex("611b65"), {.single = static_cast<gsm7_language>(77)});
  EXPECT_EQ(unknown.text, "a\u20ac");
  EXPECT_TRUE(unknown.irregular);
  EXPECT_EQ(to_string(static_cast<gsm7_language>(77)), "unknown");
  EXPECT_EQ(to_string(gsm7_language::urdu), "urdu");
}

struct table_fact {
  gsm7_language language;
  std::uint8_t code;
  char32_t character;
};

// Positions where published tables are known to differ, and the ends of every table.
TEST(Gsm7, LockingTablesHoldTheCorrectedPositions) {
  using enum gsm7_language;
  const table_fact facts[] = {
      {turkish, 0x04, 0x20AC},  {turkish, 0x40, 0x0130},   {turkish, 0x60, 0x00E7},  {turkish, 0x5F, 0x00A7},
      {portuguese, 0x15, 0x221E}, {portuguese, 0x60, '~'}, {portuguese, 0x7D, '`'},  {portuguese, 0x7F, 0x00E0},
      {bengali, 0x00, 0x0981},  {bengali, 0x7F, 0x09F1},   {gujarati, 0x57, 0x0AC5}, {gujarati, 0x7F, 0x0AF1},
      {hindi, 0x00, 0x0901},    {hindi, 0x02, 0x0903},     {hindi, 0x7F, 0x097F},    {kannada, 0x24, 0x0CA1},
      {kannada, 0x7B, 0x0CD6},  {malayalam, 0x2E, '.'},    {malayalam, 0x60, 0x0D57}, {oriya, 0x60, 0x0B56},
      {punjabi, 0x7F, 0x0A74},  {tamil, 0x3C, 0x0BA9},     {tamil, 0x7F, 0x0BF9},    {telugu, 0x60, 0x0C55},
      {urdu, 0x00, 0x0627},     {urdu, 0x0F, 0x067C},      {urdu, 0x7F, 0x0670},     {urdu, 0x3F, '?'},
      {hindi, 0x28, ')'},       {hindi, 0x29, '('},        {hindi, 0x30, '0'},       {hindi, 0x61, 'a'},
      {hindi, 0x7A, 'z'},       {urdu, 0x3B, ';'},
  };
  for (const auto& f : facts) {
    const std::uint8_t septet[] = {f.code};
    const auto r = gsm7_decode(septet, {.locking = f.language});
    EXPECT_EQ(r.text, utf8_of(f.character)) << to_string(f.language) << ' ' << int{f.code};
    EXPECT_FALSE(r.irregular);
  }
}

TEST(Gsm7, SingleShiftTablesHoldTheCorrectedPositions) {
  using enum gsm7_language;
  const table_fact facts[] = {
      {turkish, 0x69, 0x0131},  {spanish, 0x09, 0x00E7},   {spanish, 0x75, 0x00FA},  {portuguese, 0x12, 0x03A6},
      {portuguese, 0x7F, 0x00E2}, {bengali, 0x19, 0x09E6}, {bengali, 0x34, 0x09FA},  {gujarati, 0x25, 0x0AEF},
      {hindi, 0x3A, 0x0971},    {kannada, 0x3C, '['},      {kannada, 0x2A, 0x0CF2},  {malayalam, 0x34, 0x0D7F},
      {oriya, 0x2C, 0x0B71},    {punjabi, 0x2D, 0x0A75},   {tamil, 0x24, 0x0BEE},    {tamil, 0x2E, 0x0BFA},
      {telugu, 0x22, 0x0C6C},   {telugu, 0x23, 0x0C6D},    {telugu, 0x65, 0x20AC},   {urdu, 0x3F, 0x06D4},
      {hindi, 0x41, 'A'},       {hindi, 0x5A, 'Z'},        {urdu, 0x17, '#'},        {urdu, 0x0A, '\f'},
  };
  for (const auto& f : facts) {
    const std::uint8_t septets[] = {0x1B, f.code};
    const auto r = gsm7_decode(septets, {.single = f.language});
    EXPECT_EQ(r.text, utf8_of(f.character)) << to_string(f.language) << ' ' << int{f.code};
    EXPECT_FALSE(r.irregular);
  }
}

TEST(Gsm7, EveryPositionOfEveryTableSurvivesARoundTrip) {
  for (const auto language : all_languages) {
    for (std::uint8_t code = 0; code < 128; ++code) {
      for (const bool escaped : {false, true}) {
        byte_vector septets;
        if (escaped) septets.push_back(0x1B);
        septets.push_back(code);
        const gsm7_alphabet alphabet{has_locking_table(language) ? language : gsm7_language::none, language};
        const auto r = gsm7_decode(septets, alphabet);
        if (r.irregular) continue;  // unassigned: shown as something else
        const auto again = encode(r.text, alphabet);
        EXPECT_LE(again.size(), septets.size());
        EXPECT_EQ(gsm7_decode(again, alphabet).text, r.text) << to_string(language) << ' ' << int{code};
      }
    }
  }
}

TEST(Gsm7, RandomTextOfEveryLanguageSurvivesARoundTrip) {
  std::uint64_t seed = 1;
  for (const auto language : all_languages) {
    const auto alphabet = both(language);
    // The repertoire of the language, read from its own tables.
    std::vector<std::string> repertoire;
    for (char32_t c = 1; c < 0x2200; ++c) {
      if (gsm7_septets(utf8_of(c), alphabet)) repertoire.push_back(utf8_of(c));
    }
    ASSERT_GE(repertoire.size(), 120u) << to_string(language);
    for (int round = 0; round < 50; ++round) {
      std::string text;
      const auto length = mix(++seed) % 700;
      for (std::size_t i = 0; i < length; ++i) text += repertoire[mix(++seed) % repertoire.size()];
      const auto septets = encode(text, alphabet);
      EXPECT_EQ(gsm7_septets(text, alphabet), septets.size());
      ASSERT_EQ(gsm7_decode(septets, alphabet).text, text);
    }
  }
}

TEST(Gsm7, AnyOctetsDecodeToValidUtf8) {
  std::uint64_t seed = 99;
  for (int round = 0; round < 2'000; ++round) {
    byte_vector octets(mix(++seed) % 600);
    for (auto& o : octets) o = static_cast<std::uint8_t>(mix(++seed));
    const gsm7_alphabet a{static_cast<gsm7_language>(mix(++seed) % 16), static_cast<gsm7_language>(mix(++seed) % 16)};
    EXPECT_TRUE(is_valid_utf8(gsm7_decode(octets, a).text));
  }
}

// --- packing ---

TEST(Gsm7Packing, MatchesPublishedVectors) {
  EXPECT_EQ(packed_hex("1234567", gsm7_padding::zero), "31d98c56b3dd00");
  EXPECT_EQ(packed_hex("1234567", gsm7_padding::carriage_return), "31d98c56b3dd1a");
  EXPECT_EQ(packed_hex("12345678", gsm7_padding::carriage_return), "31d98c56b3dd70");
  EXPECT_EQ(packed_hex("\u20ac", gsm7_padding::carriage_return), "9b32");
  EXPECT_EQ(packed_hex("gjwklgjkwP123+?", gsm7_padding::zero), "67f57dcd3eabd777684c365bfd00");
}

TEST(Gsm7Packing, DropsThePaddingSeptetOnlyAtTheOctetBoundary) {
  for (const auto hex : {"31d98c56b3dd00", "31d98c56b3dd1a"}) {
    byte_vector septets;
    gsm7_unpack(*from_hex(hex), 0, septets);
    EXPECT_EQ(gsm7_decode(septets).text, "1234567") << hex;
  }
  byte_vector eight;
  gsm7_unpack(*from_hex("31d98c56b3dd70"), 0, eight);
  EXPECT_EQ(gsm7_decode(eight).text, "12345678");
  byte_vector counted;
  gsm7_unpack(*from_hex("31d98c56b3dd00"), 0, 8, counted);
  EXPECT_EQ(gsm7_decode(counted).text, "1234567@");
}

TEST(Gsm7Packing, AddsACarriageReturnWhenTheTextEndsInOneOnTheBoundary) {
  byte_vector packed;
  gsm7_pack(encode("1234567\r"), 0, packed);
  EXPECT_EQ(packed.size(), 8u);
  byte_vector septets;
  gsm7_unpack(packed, 0, septets);
  EXPECT_EQ(gsm7_decode(septets).text, "1234567\r\r");
}

TEST(Gsm7Packing, FillBitsFollowTheHeaderLength) {
  EXPECT_EQ(gsm7_fill_bits(0), 0u);
  EXPECT_EQ(gsm7_fill_bits(6), 1u);
  EXPECT_EQ(gsm7_fill_bits(7), 0u);
  EXPECT_EQ(gsm7_fill_bits(4), 3u);
  EXPECT_EQ(gsm7_fill_bits(9), 5u);
  EXPECT_EQ(gsm7_fill_bits(12), 2u);
}

TEST(Gsm7Packing, SeptetsSurviveEveryFillAndLength) {
  std::uint64_t seed = 5;
  for (std::size_t fill = 0; fill < 7; ++fill) {
    for (std::size_t length = 0; length < 170; ++length) {
      byte_vector septets(length);
      for (auto& s : septets) s = static_cast<std::uint8_t>(mix(++seed) & 0x7F);
      if (length > 0 && (septets.back() == 0 || septets.back() == 0x0D)) septets.back() = 'x';
      byte_vector packed;
      gsm7_pack(septets, fill, packed);
      EXPECT_EQ(packed.size(), length == 0 ? 0 : gsm7_packed_octets(length, fill));
      byte_vector counted;
      gsm7_unpack(packed, fill, length, counted);
      EXPECT_EQ(counted, septets);
      byte_vector uncounted;
      gsm7_unpack(packed, fill, uncounted);
      EXPECT_EQ(uncounted, septets) << fill << ' ' << length;
    }
  }
}

TEST(Gsm7Packing, AsksForNoMoreThanThereIs) {
  byte_vector out;
  gsm7_unpack(byte_vector{0xFF}, 6, 1'000'000, out);
  EXPECT_TRUE(out.empty());
  gsm7_unpack(byte_vector{}, 3, out);
  EXPECT_TRUE(out.empty());
  gsm7_unpack(byte_vector{0x41}, 0, 99, out);
  EXPECT_EQ(out.size(), 1u);
}
