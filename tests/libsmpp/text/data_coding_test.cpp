#include "msgkit/smpp/text/data_coding.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

std::string decode(std::string_view hex, charset c, bool irregular = false) {
  const auto r = decode_text(*from_hex(hex), c);
  EXPECT_TRUE(r) << to_string(c);
  if (!r) return {};
  EXPECT_EQ(r->irregular, irregular) << hex;
  return r->text;
}
std::string encode(std::string_view utf8, charset c) {
  const auto r = encode_text(utf8, {c, {}});
  EXPECT_TRUE(r) << to_string(c) << ' ' << (r ? "" : r.error().code.message());
  return r ? to_hex(*r) : "";
}

}  // namespace

TEST(DataCoding, ReadsTheSmppValues) {
  const std::pair<std::uint8_t, charset> table[] = {
      {0x00, charset::gsm7},     {0x01, charset::ascii},  {0x02, charset::octets},      {0x03, charset::latin1},
      {0x04, charset::octets},   {0x05, charset::shift_jis}, {0x06, charset::cyrillic}, {0x07, charset::hebrew},
      {0x08, charset::ucs2},     {0x0A, charset::iso_2022_jp}, {0x0D, charset::euc_jp}, {0x0E, charset::euc_kr},
  };
  for (const auto& [octet, alphabet] : table) {
    EXPECT_EQ(classify(octet), (data_coding_info{.alphabet = alphabet})) << int{octet};
    EXPECT_EQ(data_coding_for(alphabet).value_or(std::uint8_t{0xFF}), octet == 0x02 ? 0x04 : octet);
  }
  for (const std::uint8_t octet : byte_vector{0x0B, 0x0C, 0x0F}) EXPECT_TRUE(classify(octet).reserved);
}

TEST(DataCoding, ReadsMessageClasses) {
  EXPECT_EQ(classify(0x10), (data_coding_info{.alphabet = charset::gsm7, .cls = message_class::flash}));
  EXPECT_EQ(classify(0x18), (data_coding_info{.alphabet = charset::ucs2, .cls = message_class::flash}));
  EXPECT_EQ(classify(0x1B), (data_coding_info{.alphabet = charset::ucs2, .cls = message_class::terminal}));
  EXPECT_EQ(classify(0xF0), (data_coding_info{.alphabet = charset::gsm7, .cls = message_class::flash}));
  EXPECT_EQ(classify(0xF1), (data_coding_info{.alphabet = charset::gsm7, .cls = message_class::mobile}));
  EXPECT_EQ(classify(0xF5), (data_coding_info{.alphabet = charset::octets, .cls = message_class::mobile}));
  EXPECT_EQ(classify(0xF6), (data_coding_info{.alphabet = charset::octets, .cls = message_class::sim}));
}

TEST(DataCoding, ReadsWaitingIndications) {
  EXPECT_EQ(classify(0xC8).waiting, (waiting_indication{waiting_kind::voicemail, true, false}));
  EXPECT_EQ(classify(0xD1).waiting, (waiting_indication{waiting_kind::fax, false, true}));
  EXPECT_EQ(classify(0xEA).waiting, (waiting_indication{waiting_kind::email, true, true}));
  EXPECT_EQ(classify(0xC8).alphabet, charset::gsm7);
  EXPECT_EQ(classify(0xE0).alphabet, charset::ucs2);
  for (const std::uint8_t octet : byte_vector{0xC8, 0xCB, 0xD2, 0xDB}) {
    EXPECT_EQ(data_coding_for(*classify(octet).waiting), octet);
  }
  EXPECT_EQ(data_coding_for(*classify(0xE9).waiting, true), 0xE9);
}

TEST(DataCoding, ReadsTheGeneralGroup) {
  EXPECT_TRUE(classify(0x20).compressed);
  EXPECT_EQ(classify(0x28).alphabet, charset::ucs2);
  EXPECT_EQ(classify(0x24).alphabet, charset::octets);
  EXPECT_EQ(classify(0x48).alphabet, charset::ucs2);
  EXPECT_FALSE(classify(0x48).cls);
  EXPECT_TRUE(classify(0x1C).reserved);
  EXPECT_TRUE(classify(0x80).reserved);
  EXPECT_TRUE(classify(0xF8).reserved);
}

TEST(DataCoding, FollowsTheProfile) {
  const coding_profile p{.default_charset = charset::latin1, .ia5 = charset::gsm7, .jis = charset::iso_2022_jp};
  EXPECT_EQ(classify(0x00, p).alphabet, charset::latin1);
  EXPECT_EQ(classify(0x01, p).alphabet, charset::gsm7);
  EXPECT_EQ(classify(0x05, p).alphabet, charset::iso_2022_jp);
  EXPECT_EQ(classify(0xF0, p).alphabet, charset::gsm7);
  const coding_profile packed{.default_charset = charset::gsm7_packed};
  EXPECT_EQ(classify(0xF0, packed).alphabet, charset::gsm7_packed);
  EXPECT_EQ(*data_coding_for(charset::latin1, {}, p), 0x00);
  EXPECT_EQ(*data_coding_for(charset::gsm7, {}, p), 0x01);
  EXPECT_EQ(data_coding_for(charset::utf8).error().code, text_errc::not_representable);
}

TEST(DataCoding, WritesMessageClasses) {
  EXPECT_EQ(*data_coding_for(charset::gsm7, message_class::flash), 0xF0);
  EXPECT_EQ(*data_coding_for(charset::octets, message_class::sim), 0xF6);
  EXPECT_EQ(*data_coding_for(charset::ucs2, message_class::flash), 0x18);
  EXPECT_EQ(data_coding_for(charset::latin1, message_class::flash).error().code, text_errc::class_unavailable);
}

TEST(DataCoding, EveryOctetDecodesOrSaysWhyNot) {
  const auto sample = *from_hex("00411b80ffd83d05000300");
  for (int octet = 0; octet < 256; ++octet) {
    const auto r = decode_text(sample, static_cast<std::uint8_t>(octet));
    if (r) {
      EXPECT_TRUE(is_valid_utf8(r->text));
    } else {
      EXPECT_TRUE(r.error().code == text_errc::not_text || r.error().code == text_errc::compressed) << octet;
    }
  }
  EXPECT_TRUE(decode_text(sample, 0x80)->irregular);
}

TEST(TextCodec, ReadsOneOctetAlphabets) {
  EXPECT_EQ(decode("616263", charset::ascii), "abc");
  EXPECT_EQ(decode("61e9", charset::ascii, true), "a\uFFFD");
  EXPECT_EQ(decode("c1e1e9edf3faf1fc", charset::latin1), "\u00c1\u00e1\u00e9\u00ed\u00f3\u00fa\u00f1\u00fc");
  EXPECT_EQ(decode("bfe0d8d2d5e2", charset::cyrillic), "\u041f\u0440\u0438\u0432\u0435\u0442");
  EXPECT_EQ(decode("f9ece5ed", charset::hebrew), "\u05e9\u05dc\u05d5\u05dd");
  EXPECT_EQ(decode("61fb", charset::hebrew, true), "a\uFFFD");
}

TEST(TextCodec, ReadsUcs2WithItsIrregularities) {
  EXPECT_EQ(decode("002000310061", charset::ucs2), " 1a");
  EXPECT_EQ(decode("feff0061", charset::ucs2), "a");
  EXPECT_EQ(decode("fffe6100", charset::ucs2, true), "a");
  EXPECT_EQ(decode("d83dde00", charset::ucs2), "\U0001F600");
  EXPECT_EQ(decode("d83d0061", charset::ucs2, true), "\uFFFD" "a");
  EXPECT_EQ(decode("006100", charset::ucs2, true), "a");
  EXPECT_EQ(decode("006e006700681eaf0020", charset::ucs2), "ngh\u1eaf ");
  EXPECT_EQ(decode("", charset::ucs2), "");
  EXPECT_EQ(decode("fffe61", charset::ucs2, true), "");
}

TEST(TextCodec, ReadsAndWritesEastAsianAlphabets) {
  const std::string japanese = "\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8abc";
  const std::string korean = "\uc548\ub155\ud558\uc138\uc694";
  EXPECT_EQ(encode("\u65e5\u672c", charset::shift_jis), "93fa967b");
  EXPECT_EQ(encode("\u65e5\u672c", charset::euc_jp), "c6fccbdc");
  EXPECT_EQ(encode("\u65e5\u672c", charset::iso_2022_jp), "1b2442467c4b5c1b2842");
  EXPECT_EQ(encode("\uc548\ub155", charset::euc_kr), "bec8b3e7");
  for (const auto c : {charset::shift_jis, charset::euc_jp, charset::iso_2022_jp}) {
    EXPECT_EQ(decode(encode(japanese, c), c), japanese) << to_string(c);
  }
  EXPECT_EQ(decode(encode(korean, charset::euc_kr), charset::euc_kr), korean);
  const std::string address = "C:\\x ~user";
  for (const auto c : {charset::shift_jis, charset::euc_jp, charset::iso_2022_jp, charset::euc_kr}) {
    EXPECT_EQ(decode(encode(address, c), c), address) << to_string(c);
  }
}

TEST(TextCodec, ReplacesWhatDoesNotConvertAndGoesOn) {
  EXPECT_EQ(decode("93fa96", charset::shift_jis, true), "\u65e5\uFFFD");
  EXPECT_EQ(decode("ff61", charset::euc_kr, true), "\uFFFD" "a");
}

TEST(TextCodec, LongTextGoesThroughIconvInBlocks) {
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "\u65e5a";
  for (const auto c : {charset::shift_jis, charset::iso_2022_jp, charset::euc_jp}) {
    EXPECT_EQ(decode(encode(text, c), c), text);
  }
}

TEST(TextCodec, ReportsWhereAnAlphabetEnds) {
  const std::pair<charset, std::string> samples[] = {
      {charset::ascii, "ab\u00e9"},     {charset::latin1, "ab\u0100"},   {charset::cyrillic, "ab\u20ac"},
      {charset::shift_jis, "ab\U0001F600"}, {charset::utf8, "ab\xff"},   {charset::gsm7, "ab\u0416"},
      {charset::gsm7_packed, "ab\u0416"},
  };
  for (const auto& [c, text] : samples) {
    const auto r = encode_text(text, {c, {}});
    ASSERT_FALSE(r) << to_string(c);
    EXPECT_EQ(r.error().code, text_errc::not_representable);
    EXPECT_EQ(r.error().offset, 2u) << to_string(c);
  }
  EXPECT_EQ(encode_text("a", {charset::octets, {}}).error().code, text_errc::not_text);
}

TEST(TextCodec, PackedTextStartsOnASeptetBoundaryBehindAHeader) {
  for (const std::size_t header : {0u, 4u, 6u, 7u, 9u, 12u}) {
    const auto octets = encode_text("hello", {charset::gsm7_packed, {}}, header);
    ASSERT_TRUE(octets);
    const auto text = decode_text(*octets, charset::gsm7_packed, {.header_octets = header});
    EXPECT_EQ(text->text, "hello") << header;
  }
}

TEST(TextCodec, DecodesTheNationalVectorByItsShift) {
  // UDH 03 24 01 03: Portuguese single shift alone leaves 7B in the default alphabet.
  const auto body = *from_hex("747b7374");
  EXPECT_EQ(decode_text(body, charset::gsm7, {.alphabet = {.single = gsm7_language::portuguese}})->text, "t\u00e4st");
  EXPECT_EQ(decode_text(body, charset::gsm7, {.alphabet = {.locking = gsm7_language::portuguese}})->text, "t\u00e3st");
}

TEST(TextCodec, DecodesTheVietnamesePart) {
  const auto body = *from_hex(
      "006e006700681eaf0020006e00670068006900ea006e00670020006e0067006800691ec5006e00670020006e00671ea3");
  EXPECT_EQ(decode_text(body, 0x08)->text, "ngh\u1eaf nghi\u00eang nghi\u1ec5ng ng\u1ea3");
  EXPECT_EQ(*encode_text("ngh\u1eaf nghi\u00eang nghi\u1ec5ng ng\u1ea3", {charset::ucs2, {}}), body);
}

TEST(TextCodec, RandomOctetsDecodeToValidUtf8) {
  std::uint64_t seed = 3;
  for (int c = 0; c < static_cast<int>(charset::octets); ++c) {
    for (int round = 0; round < 100; ++round) {
      byte_vector octets(mix(++seed) % 300);
      for (auto& o : octets) o = static_cast<std::uint8_t>(mix(++seed));
      const auto r = decode_text(octets, static_cast<charset>(c));
      ASSERT_TRUE(r);
      EXPECT_TRUE(is_valid_utf8(r->text));
      EXPECT_LE(r->text.size(), octets.size() * 4);
    }
  }
}

TEST(ChooseCoding, PrefersTheDefaultAlphabet) {
  const auto c = choose_coding("plain \u20ac");
  EXPECT_EQ(c.coding, (text_coding{charset::gsm7, {}}));
  EXPECT_EQ(c.data_coding, 0x00);
  EXPECT_EQ(c.units, 8u);
}

TEST(ChooseCoding, FallsBackToUcs2) {
  const auto c = choose_coding("\u041f\u0440 \U0001F600");
  EXPECT_EQ(c.coding.alphabet, charset::ucs2);
  EXPECT_EQ(c.data_coding, 0x08);
  EXPECT_EQ(c.units, 5u);
}

TEST(ChooseCoding, UsesANationalLanguageOnlyWhenAllowed) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\u015f";
  EXPECT_EQ(choose_coding(text).coding.alphabet, charset::ucs2);
  const auto c = choose_coding(text, {.national_languages = true});
  EXPECT_EQ(c.coding.alphabet, charset::gsm7);
  EXPECT_EQ(c.coding.languages.locking, gsm7_language::turkish);
  EXPECT_EQ(c.units, 100u);
  EXPECT_EQ(c.data_coding, 0x00);
  const choose_options only_hindi{.national_languages = true, .languages = 1u << 6};
  EXPECT_EQ(choose_coding(text, only_hindi).coding.alphabet, charset::ucs2);
}

TEST(ChooseCoding, UsesLatin1OnlyWhenAllowed) {
  EXPECT_EQ(choose_coding("\u00ea").coding.alphabet, charset::ucs2);
  const auto c = choose_coding("\u00ea", {.latin1 = true});
  EXPECT_EQ(c.coding.alphabet, charset::latin1);
  EXPECT_EQ(c.data_coding, 0x03);
}

TEST(ChooseCoding, ExpressesFlash) {
  EXPECT_EQ(choose_coding("now", {.cls = message_class::flash}).data_coding, 0xF0);
  EXPECT_EQ(choose_coding("\u0416", {.cls = message_class::flash}).data_coding, 0x18);
  // Latin-1 has no class, so the text goes out as UCS-2.
  EXPECT_EQ(choose_coding("\u00ea", {.cls = message_class::flash, .latin1 = true}).data_coding, 0x18);
}

TEST(ChooseCoding, FollowsAPeerWhoseDefaultIsNotGsm) {
  const coding_profile latin{.default_charset = charset::latin1};
  const auto c = choose_coding("\u00ea", {.profile = latin});
  EXPECT_EQ(c.coding.alphabet, charset::latin1);
  EXPECT_EQ(c.data_coding, 0x00);
  EXPECT_EQ(choose_coding("\u20ac", {.profile = latin}).data_coding, 0x08);
  EXPECT_EQ(choose_coding("\u20ac", {.profile = {.default_charset = charset::utf8}}).units, 3u);
}

TEST(ChooseCoding, AlwaysEncodes) {
  for (const std::string_view text : {"", "a", "\xff\xfe", "\u20ac\u0416", "\U0001F468\u200D\U0001F469"}) {
    const auto c = choose_coding(text, {.national_languages = true, .latin1 = true});
    EXPECT_TRUE(encode_text(text, c.coding)) << text;
  }
}
