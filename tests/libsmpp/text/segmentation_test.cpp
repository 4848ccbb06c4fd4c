#include "msgkit/smpp/text/segmentation.hpp"

#include <gtest/gtest.h>

#include <set>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

const text_coding gsm7{charset::gsm7, {}};
const text_coding ucs2{charset::ucs2, {}};

std::string repeat(std::string_view s, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += s;
  return out;
}

split_message split(std::string_view text, const text_coding& coding, const split_options& options = {}) {
  auto r = split_text(text, coding, options);
  EXPECT_TRUE(r) << (r ? "" : r.error().code.message());
  return r ? *r : split_message{};
}

// Decodes each part on its own, as a phone does, and joins the texts.
std::string join(const split_message& m, const text_coding& coding) {
  std::string text;
  for (const auto& part : m.parts) {
    const auto decoded = decode_text(part.body(), coding.alphabet, {coding.languages, part.header_octets});
    EXPECT_TRUE(decoded);
    EXPECT_FALSE(decoded->irregular);
    text += decoded->text;
  }
  return text;
}

std::size_t units(const message_part& part, charset c) { return part.body().size() / (c == charset::ucs2 ? 2 : 1); }

}  // namespace

struct capacity_row {
  std::size_t header;
  std::size_t septets, octets, ucs2_units;
};

TEST(PartCapacity, MatchesTheTable) {
  const capacity_row table[] = {
      {0, 160, 140, 70}, {6, 153, 134, 67},  {7, 152, 133, 66},  {4, 155, 136, 68},
      {9, 149, 131, 65}, {12, 146, 128, 64}, {10, 148, 130, 65}, {13, 145, 127, 63},
  };
  for (const auto& row : table) {
    EXPECT_EQ(part_capacity(charset::gsm7, row.header), row.septets) << row.header;
    EXPECT_EQ(part_capacity(charset::gsm7_packed, row.header), row.septets);
    EXPECT_EQ(part_capacity(charset::octets, row.header), row.octets);
    EXPECT_EQ(part_capacity(charset::ucs2, row.header), row.ucs2_units);
  }
  EXPECT_EQ(part_capacity(charset::gsm7, 200), 0u);
  // 20 octets are 22 septets; a header of 6 octets and one fill bit take 7 of them.
  EXPECT_EQ(part_capacity(charset::gsm7_packed, 6, 20), 15u);
}

TEST(Segmentation, ShortTextStaysOneMessageWithoutHeader) {
  for (const auto& [text, coding] : {std::pair{repeat("x", 160), gsm7}, {repeat("\u20ac", 80), gsm7},
                                     {repeat("\u0416", 70), ucs2}, {std::string{}, gsm7}}) {
    const auto m = split(text, coding);
    ASSERT_EQ(m.parts.size(), 1u);
    EXPECT_FALSE(m.has_header);
    EXPECT_FALSE(m.sar_tlvs);
    EXPECT_EQ(m.parts[0].position.total, 1);
    EXPECT_EQ(join(m, coding), text);
  }
  EXPECT_EQ(split(repeat("\u20ac", 81), gsm7).parts.size(), 2u);
}

struct split_row {
  long_message_method method;
  bool sar_wide;
  std::size_t septets, ucs2_units, octets, header;
};

TEST(Segmentation, PartsHoldWhatTheirHeaderLeaves) {
  const split_row table[] = {
      {long_message_method::udh8, false, 153, 67, 134, 6},
      {long_message_method::udh16, false, 152, 66, 133, 7},
      {long_message_method::sar, false, 153, 67, 134, 0},
      {long_message_method::sar, true, 152, 66, 133, 0},
  };
  for (const auto& row : table) {
    const split_options o{.method = row.method, .reference = 0x1234, .sar_wide = row.sar_wide};
    const auto latin = split(repeat("a", 161), gsm7, o);
    ASSERT_EQ(latin.parts.size(), 2u);
    EXPECT_EQ(units(latin.parts[0], charset::gsm7), row.septets);
    EXPECT_EQ(latin.parts[0].header_octets, row.header);
    EXPECT_EQ(latin.has_header, row.header > 0);
    EXPECT_EQ(latin.sar_tlvs, row.header == 0);
    EXPECT_EQ(split(repeat("a", 2 * row.septets), gsm7, o).parts.size(), 2u + (2 * row.septets <= 160));
    EXPECT_EQ(split(repeat("a", 2 * row.septets + 1), gsm7, o).parts.size(), 3u);
    EXPECT_EQ(units(split(repeat("\u0416", 71), ucs2, o).parts[0], charset::ucs2), row.ucs2_units);
    const auto binary = split_octets(byte_vector(141), {charset::octets, {}}, o);
    EXPECT_EQ(units(binary->parts[0], charset::octets), row.octets);
  }
}

TEST(Segmentation, WritesTheHeadersOfTheSpecification) {
  const auto eight = split(repeat("a", 200), gsm7, {.reference = 0x12FE});
  EXPECT_EQ(to_hex(bytes_view{eight.parts[0].octets}.first(6)), "050003fe0201");
  EXPECT_EQ(to_hex(bytes_view{eight.parts[1].octets}.first(6)), "050003fe0202");
  const auto sixteen =
      split(repeat("\u0416", 66 * 4), ucs2, {.method = long_message_method::udh16, .reference = 0x04D2});
  ASSERT_EQ(sixteen.parts.size(), 4u);
  EXPECT_EQ(to_hex(bytes_view{sixteen.parts[0].octets}.first(7)), "06080404d20401");
}

TEST(Segmentation, SarCarriesTheValuesOfTheTlvs) {
  const auto narrow = split(repeat("a", 400), gsm7, {.method = long_message_method::sar, .reference = 0x1234});
  ASSERT_EQ(narrow.parts.size(), 3u);
  EXPECT_EQ(narrow.parts[2].position, (concatenation{0x34, 3, 3, reference_width::sar}));
  const auto wide =
      split(repeat("a", 400), gsm7, {.method = long_message_method::sar, .reference = 0x1234, .sar_wide = true});
  EXPECT_EQ(wide.parts[0].position.reference, 0x1234);
}

TEST(Segmentation, EscapePairMovesToTheNextPart) {
  const auto m = split(repeat("a", 152) + "\u20ac" + repeat("b", 20), gsm7);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::gsm7), 152u);
  EXPECT_EQ(to_hex(m.parts[1].body().first(2)), "1b65");
}

TEST(Segmentation, SurrogatePairMovesToTheNextPart) {
  const auto text = repeat("a", 66) + "\U0001F600" + repeat("b", 20);
  const auto m = split(text, ucs2);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::ucs2), 66u);
  EXPECT_EQ(join(m, ucs2), text);
}

TEST(Segmentation, CombiningMarksStayWithTheirBaseWhenThatIsFree) {
  // Base at unit 67, mark at 68: the base moves too.
  const auto text = repeat("\u0416", 66) + "\u0418\u0306" + repeat("b", 20);
  const auto m = split(text, ucs2);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::ucs2), 66u);
  EXPECT_EQ(join(m, ucs2), text);
}

TEST(Segmentation, CombiningMarksAreCutWhenKeepingThemCostsAPart) {
  const auto text = repeat("\u0416", 66) + "\u0418\u0306" + repeat("b", 66);
  ASSERT_EQ(count_code_points(text), 2 * 67u);
  const auto m = split(text, ucs2);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::ucs2), 67u);
}

TEST(Segmentation, JoinedEmojiAndFlagsStayWhole) {
  const std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F467";
  for (std::size_t before = 58; before <= 67; ++before) {
    const auto m = split(repeat("x", before) + family + repeat("y", 30), ucs2);
    ASSERT_EQ(m.parts.size(), 2u);
    const auto first = utf16be_to_utf8(m.parts[0].body());
    EXPECT_TRUE(first.find("\U0001F468") == std::string::npos || first.find("\U0001F467") != std::string::npos);
  }
  const std::string flags = repeat("\U0001F1E9\U0001F1EA", 20);  // 40 indicators, 80 units
  const auto m = split(flags, ucs2);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::ucs2) % 4, 0u);
}

TEST(Segmentation, IndicVowelSignsStayWithTheirConsonant) {
  const text_coding hindi{charset::gsm7, {.locking = gsm7_language::hindi}};
  const auto text = repeat("\u0915", 148) + "\u0915\u093f" + repeat("\u0916", 30);
  const auto m = split(text, hindi);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::gsm7), 148u);
  EXPECT_EQ(join(m, hindi), text);
}

TEST(Segmentation, LanguageElementsTakeTheirRoom) {
  using enum gsm7_language;
  const auto size = [](gsm7_alphabet a, long_message_method method) {
    return units(split(repeat("a", 161), {charset::gsm7, a}, {.method = method}).parts[0], charset::gsm7);
  };
  EXPECT_EQ(size({.single = turkish}, long_message_method::udh8), 149u);
  EXPECT_EQ(size({turkish, turkish}, long_message_method::udh8), 146u);
  EXPECT_EQ(size({.single = turkish}, long_message_method::udh16), 148u);
  EXPECT_EQ(size({turkish, turkish}, long_message_method::udh16), 145u);
  EXPECT_EQ(split(repeat("a", 155), {charset::gsm7, {.single = turkish}}).parts.size(), 1u);
  EXPECT_EQ(split(repeat("a", 156), {charset::gsm7, {.single = turkish}}).parts.size(), 2u);
  EXPECT_EQ(split(repeat("a", 152), {charset::gsm7, {turkish, turkish}}).parts.size(), 1u);
  const auto single = split("a", {charset::gsm7, {.single = turkish}});
  EXPECT_EQ(to_hex(single.parts[0].octets), "0324010161");
  EXPECT_TRUE(single.has_header);
}

TEST(Segmentation, PortsGoIntoEveryPart) {
  const auto ports = *from_hex("05040b8423f0");
  const split_options o{.reference = 7, .elements = ports};
  EXPECT_EQ(units(split_octets(byte_vector(133), {charset::octets, {}}, o)->parts[0], charset::octets), 133u);
  const auto m = *split_octets(byte_vector(134), {charset::octets, {}}, o);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(units(m.parts[0], charset::octets), 128u);
  EXPECT_EQ(to_hex(bytes_view{m.parts[1].octets}.first(12)), "0b000307020205040b8423f0");
}

TEST(Segmentation, SarGivesWayToAHeaderWhenOneIsNeededAnyway) {
  const text_coding turkish{charset::gsm7, {.single = gsm7_language::turkish}};
  const auto m = split(repeat("a", 200), turkish, {.method = long_message_method::sar});
  EXPECT_FALSE(m.sar_tlvs);
  EXPECT_TRUE(m.has_header);
  EXPECT_EQ(m.parts[0].position.width, reference_width::udh8);
}

TEST(Segmentation, PayloadIsNeverCut) {
  const split_options o{.method = long_message_method::payload};
  const auto m = split(repeat("a", 60'000), gsm7, o);
  ASSERT_EQ(m.parts.size(), 1u);
  EXPECT_TRUE(m.payload);
  EXPECT_EQ(m.parts[0].octets.size(), 60'000u);
  EXPECT_EQ(split_text(repeat("a", 65'536), gsm7, o).error().code, text_errc::text_too_long);
  EXPECT_EQ(split_text(repeat("a", 1'000'000), gsm7, o).error().code, text_errc::text_too_long);
}

TEST(Segmentation, RefusesMorePartsThanAllowed) {
  EXPECT_EQ(split(repeat("a", 255 * 153), gsm7).parts.size(), 255u);
  EXPECT_EQ(split_text(repeat("a", 255 * 153 + 1), gsm7).error().code, text_errc::too_many_parts);
  EXPECT_EQ(split_text(repeat("a", 400), gsm7, {.parts_max = 2}).error().code, text_errc::too_many_parts);
  EXPECT_EQ(split_text(repeat("a", 10'000'000), gsm7).error().code, text_errc::too_many_parts);
}

TEST(Segmentation, RefusesHeadersThatLeaveNoRoom) {
  byte_vector large{0x70, 137};
  large.resize(2 + 137);
  EXPECT_EQ(split_text(repeat("a", 10), gsm7, {.elements = large}).error().code, text_errc::no_room);
  byte_vector huge{0x70, 250};
  huge.resize(2 + 250);
  EXPECT_EQ(split_text("a", gsm7, {.elements = huge}).error().code, text_errc::no_room);
  EXPECT_EQ(split_text("a", gsm7, {.elements = byte_vector(300)}).error().code, text_errc::header_too_long);
  EXPECT_EQ(split_text("a", gsm7, {.elements = *from_hex("0504ff")}).error().code,
            text_errc::element_exceeds_header);
  EXPECT_EQ(split_text(repeat("\U0001F600", 50), ucs2, {.user_data_octets = 9}).error().code, text_errc::no_room);
}

TEST(Segmentation, ReportsTextOutsideTheAlphabet) {
  const auto r = split_text("ab\u0416", gsm7);
  EXPECT_EQ(r.error().code, text_errc::not_representable);
  EXPECT_EQ(r.error().offset, 2u);
}

TEST(Segmentation, EncodedOctetsAreCutAtCharacters) {
  const auto pairs = *split_octets(*from_hex(repeat("1b65", 100)), gsm7);
  EXPECT_EQ(units(pairs.parts[0], charset::gsm7), 152u);
  const auto euros = *split_octets(utf8_to_utf16be(repeat("a", 66) + repeat("\U0001F600", 20)), ucs2);
  EXPECT_EQ(units(euros.parts[0], charset::ucs2), 66u);
  // Broken input still ends: a lone high surrogate, an odd octet, an escape at the end.
  EXPECT_EQ(split_octets(*from_hex(repeat("d83d", 80) + "00"), ucs2)->parts.size(), 2u);
  EXPECT_EQ(split_octets(byte_vector(161, 0x1B), gsm7)->parts.size(), 2u);
}

TEST(Segmentation, EveryCharsetSurvivesSplitting) {
  const std::string japanese = "\u65e5\u672c\u8a9ea\u30c6b\u30b9\u30c8 ";
  const std::pair<charset, std::string> samples[] = {
      {charset::shift_jis, japanese}, {charset::euc_jp, japanese},          {charset::iso_2022_jp, japanese},
      {charset::utf8, japanese},      {charset::euc_kr, "\uc548a\ub155"},   {charset::cyrillic, "\u0416 a"},
      {charset::hebrew, "\u05e9 a"},  {charset::latin1, "\u00ea\u00ff a"},  {charset::gsm7_packed, "a\u20acb"},
      {charset::ascii, "abc"},
  };
  for (const auto& [alphabet, sample] : samples) {
    for (const auto method : {long_message_method::udh8, long_message_method::udh16, long_message_method::sar}) {
      const auto text = repeat(sample, 97);
      const text_coding coding{alphabet, {}};
      const auto m = split(text, coding, {.method = method});
      EXPECT_GT(m.parts.size(), 1u);
      EXPECT_EQ(join(m, coding), text) << to_string(alphabet);
      for (const auto& part : m.parts) EXPECT_LE(part.octets.size(), 140u);
    }
  }
  const text_coding stateful{charset::iso_2022_jp, {}};
  EXPECT_EQ(split(japanese, stateful).parts.size(), 1u);
  EXPECT_EQ(split(repeat(japanese, 50), stateful, {.method = long_message_method::payload}).parts.size(), 1u);
  EXPECT_EQ(split_text(repeat(japanese, 50), stateful, {.parts_max = 2}).error().code, text_errc::too_many_parts);
  EXPECT_EQ(split_text(japanese, stateful, {.user_data_octets = 8}).error().code, text_errc::no_room);
  EXPECT_EQ(split_text("a\U0001F600", stateful).error().code, text_errc::not_representable);
  const auto encoded = *encode_text(repeat(japanese, 50), stateful);
  EXPECT_EQ(join(*split_octets(encoded, {charset::iso_2022_jp, {}}), {charset::iso_2022_jp, {}}),
            repeat(japanese, 50));
}

TEST(Segmentation, PackedPartsNeverExceedTheUserData) {
  const text_coding packed{charset::gsm7_packed, {}};
  EXPECT_EQ(split(repeat("\r", 160), packed).parts[0].octets.size(), 140u);
  for (const auto& part : split(repeat("\r", 500), packed).parts) EXPECT_LE(part.octets.size(), 140u);
}

TEST(Segmentation, RandomTextSurvivesSplittingInEveryCoding) {
  std::uint64_t seed = 17;
  const std::string alphabet[] = {"a", "\u20ac", "[", "Z", " ", "\n", "\u00e9"};
  const std::string unicode[] = {"a", "\u0416", "\U0001F600", "\u0306", "\u200D", "\U0001F1E9", "\uFE0F", "\u4e2d"};
  for (int round = 0; round < 400; ++round) {
    const auto method = static_cast<long_message_method>(mix(++seed) % 4);
    const auto length = mix(++seed) % 1'000;
    const bool narrow = mix(++seed) % 2 == 0;
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
      text += narrow ? alphabet[mix(++seed) % std::size(alphabet)] : unicode[mix(++seed) % std::size(unicode)];
    }
    const auto& coding = narrow ? gsm7 : ucs2;
    const auto m = split(text, coding, {.method = method, .reference = static_cast<std::uint16_t>(seed)});
    ASSERT_EQ(join(m, coding), text);
    for (std::size_t i = 0; i < m.parts.size(); ++i) {
      EXPECT_EQ(m.parts[i].position.sequence, i + 1);
      EXPECT_EQ(m.parts[i].position.total, m.parts.size());
    }
  }
}

TEST(ReferenceCounter, CountsPerSourceAndDestination) {
  reference_counter counter{42};
  const auto first = counter.next("100", "200");
  EXPECT_EQ(counter.next("100", "200"), static_cast<std::uint16_t>(first + 1));
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 65'536; ++i) seen.insert(counter.next("a", "b"));
  EXPECT_EQ(seen.size(), 65'536u);
  EXPECT_EQ(counter.next("100", "200"), static_cast<std::uint16_t>(first + 2));
}

TEST(ReferenceCounter, StartsElsewhereWithAnotherSeed) {
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    const auto source = std::to_string(i);
    same += reference_counter{1}.next(source, "x") == reference_counter{2}.next(source, "x");
  }
  EXPECT_LT(same, 5);
  EXPECT_EQ(reference_counter(1, 0).next("a", "b"), reference_counter(1, 1).next("c", "d"));
}
