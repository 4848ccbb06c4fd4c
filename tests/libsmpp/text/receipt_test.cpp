#include "msgkit/smpp/text/receipt.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view usual =
    "id:0123456789 sub:001 dlvrd:001 submit date:1102031337 done date:1102031338 stat:DELIVRD err:000 text:hello";

receipt parse(std::string_view text, const receipt_tlvs& tlvs = {}, const receipt_options& options = {}) {
  const auto r = parse_receipt(as_bytes(text), tlvs, options);
  EXPECT_TRUE(r) << text;
  return r ? *r : receipt{};
}
wall_time at(int y, unsigned mo, unsigned d, int h = 0, int mi = 0, int s = 0) {
  return sys_days{year{y} / month{mo} / day{d}} + hours{h} + minutes{mi} + seconds{s};
}

}  // namespace

TEST(Receipt, ReadsTheUsualForm) {
  const auto r = parse(usual);
  EXPECT_EQ(r.id, "0123456789");
  EXPECT_EQ(r.submitted, 1u);
  EXPECT_EQ(r.delivered, 1u);
  EXPECT_EQ(r.submit_date, at(2011, 2, 3, 13, 37));
  EXPECT_EQ(r.done_date, at(2011, 2, 3, 13, 38));
  EXPECT_EQ(r.stat, "DELIVRD");
  EXPECT_EQ(r.state, message_state::delivered);
  EXPECT_EQ(r.err, "000");
  EXPECT_EQ(r.err_number, 0u);
  EXPECT_EQ(r.text, "hello");
  EXPECT_FALSE(r.irregular);
}

TEST(Receipt, LabelsComeInAnyOrderAndCase) {
  const auto r = parse("STAT:UNDELIV ERR:21b Done Date:110203133755 ID:ab-cd-ef dlvrd:0 Text:x");
  EXPECT_EQ(r.id, "ab-cd-ef");
  EXPECT_EQ(r.state, message_state::undeliverable);
  EXPECT_EQ(r.err, "21b");
  EXPECT_FALSE(r.err_number);
  EXPECT_EQ(r.done_date, at(2011, 2, 3, 13, 37, 55));
  EXPECT_FALSE(r.submit_date);
  EXPECT_FALSE(r.submitted);
  EXPECT_EQ(r.delivered, 0u);
  EXPECT_EQ(r.text, "x");
}

TEST(Receipt, TextMayComeFirst) {
  const auto r = parse("text:some words id:77 stat:EXPIRED");
  EXPECT_EQ(r.text, "some words");
  EXPECT_EQ(r.id, "77");
  EXPECT_EQ(r.state, message_state::expired);
}

TEST(Receipt, LabelsInsideTheTextAreText) {
  const auto r = parse("id:1 stat:DELIVRD err:000 text:stat:REJECTD id:2 err:999");
  EXPECT_EQ(r.id, "1");
  EXPECT_EQ(r.state, message_state::delivered);
  EXPECT_EQ(r.err, "000");
  EXPECT_EQ(r.text, "stat:REJECTD id:2 err:999");
}

TEST(Receipt, LabelsNeedAWordStart) {
  const auto r = parse("id:1 stat:DELIVRD text:");
  EXPECT_EQ(r.text, "");
  EXPECT_EQ(parse("void:9 id:5 stat:ACCEPTD").id, "5");
}

TEST(Receipt, ToleratesACutAnywhere) {
  const auto vector17 = *from_hex(
      "69643a30303030303033303035207375623a30303120646c7672643a303031207375626d697420646174653a31303031313831343331"
      "20646f6e6520646174653a3130303131383134333120737461743a44454c49565244206572723a303030207465");
  const auto r = parse(as_text(vector17), {.message_state = std::uint8_t{2}, .receipted_message_id = as_bytes("3005")});
  EXPECT_EQ(r.text_id, "0000003005");
  EXPECT_EQ(r.id, "3005");
  EXPECT_EQ(r.err, "000");
  EXPECT_EQ(r.done_date, at(2010, 1, 18, 14, 31));
  EXPECT_TRUE(ids_match("3005", r.text_id));
}

TEST(Receipt, ReadsTwelveDigitDatesAndAsciiErrorCode) {
  const auto vector19 = *from_hex(
      "69643a3661336564393861363634343465386162613333616364396262613836353666207375623a30303120646c7672643a303030"
      "207375626d697420646174653a31343130313630303336353020646f6e6520646174653a31343130313630303338303020737461743a"
      "554e44454c4956206572723a30303020746578743a");
  const auto id = *from_hex("366133656439386136363434346538616261333361636439626261383635366600");
  const auto r = parse(as_text(vector19), {.message_state = std::uint8_t{5},
                                           .receipted_message_id = bytes_view{id},
                                           .network_error_code = as_bytes("000")});
  EXPECT_EQ(r.id, "6a3ed98a66444e8aba33acd9bba8656f");
  EXPECT_EQ(r.text_id, r.id);
  EXPECT_EQ(r.state, message_state::undeliverable);
  EXPECT_EQ(r.submit_date, at(2014, 10, 16, 0, 36, 50));
  EXPECT_EQ(r.network, (network_error{0, 0}));
}

TEST(Receipt, StripsTrailingZeroOctets) {
  const auto r = parse(std::string{usual} + std::string(2, '\0'));
  EXPECT_EQ(r.text, "hello");
  EXPECT_EQ(parse(std::string("id:1 stat:DELIVRD err:000") + '\0').err, "000");
}

TEST(Receipt, ShowsForeignOctetsAsLatin1) {
  const auto r = parse("id:1 stat:DELIVRD text:\x84" "A\x89O");
  EXPECT_EQ(r.text, "\u0084A\u0089O");
  EXPECT_EQ(parse("id:1 stat:DELIVRD text:\u00e9").text, "\u00e9");
}

TEST(Receipt, TlvsAloneAreEnough) {
  const auto id = *from_hex("36616164350000");
  const auto error = *from_hex("030015");
  const auto r = parse("", {.message_state = std::uint8_t{3},
                            .receipted_message_id = bytes_view{id},
                            .network_error_code = bytes_view{error}});
  EXPECT_EQ(r.id, "6aad5");
  EXPECT_EQ(r.text_id, "");
  EXPECT_EQ(r.state, message_state::expired);
  EXPECT_EQ(r.network, (network_error{3, 21}));
  EXPECT_EQ(to_hex(format_network_error(*r.network)), "030015");
}

TEST(Receipt, TlvsTakePrecedenceOverText) {
  const auto r = parse(usual, {.message_state = std::uint8_t{5}, .receipted_message_id = as_bytes("zz")});
  EXPECT_EQ(r.state, message_state::undeliverable);
  EXPECT_EQ(r.id, "zz");
  EXPECT_EQ(parse(usual, {.receipted_message_id = bytes_view{}}).id, "0123456789");
  const auto odd = parse(usual, {.message_state = std::uint8_t{77}, .network_error_code = as_bytes("x")});
  EXPECT_EQ(odd.state, message_state::delivered);
  EXPECT_TRUE(odd.irregular);
  EXPECT_FALSE(odd.network);
}

TEST(Receipt, KeepsAStatWordItDoesNotKnow) {
  const auto r = parse("id:1 stat:WHATEVR");
  EXPECT_EQ(r.stat, "WHATEVR");
  EXPECT_FALSE(r.state);
  EXPECT_TRUE(r.irregular);
}

TEST(Receipt, FlagsUnreadableNumbersAndDates) {
  EXPECT_TRUE(parse("id:1 sub:ND stat:DELIVRD").irregular);
  EXPECT_TRUE(parse("id:1 submit date:110203 stat:DELIVRD").irregular);
  EXPECT_TRUE(parse("id:1 done date:1113031337 stat:DELIVRD").irregular);
  EXPECT_FALSE(parse("id:1 done date:0000000000 stat:DELIVRD").irregular);
}

TEST(Receipt, RefusesWhatIsNone) {
  for (const std::string_view text : {"", "hello world", "idea: stat", "sub:001 err:000", "id: stat: "}) {
    const auto r = parse_receipt(as_bytes(text));
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().code, text_errc::not_a_receipt);
  }
}

TEST(Receipt, ReadsDatesInThePeersZone) {
  const receipt_options two_ahead{.zone = 120min};
  EXPECT_EQ(parse_receipt_date("1102031337", two_ahead), at(2011, 2, 3, 11, 37));
  EXPECT_EQ(parse_receipt_date("110203133755"), at(2011, 2, 3, 13, 37, 55));
  EXPECT_EQ(parse_receipt_date("20110203133755"), at(2011, 2, 3, 13, 37, 55));
  EXPECT_EQ(parse_receipt_date("180711070003912+", two_ahead), at(2018, 7, 11, 4, 0, 3) + 900ms);
  for (const auto text : {"", "0000000000", "000000000000000+", "11020313375", "110203133x", "000002000000000R",
                          "1102301337", "20111303133755"}) {
    EXPECT_FALSE(parse_receipt_date(text)) << text;
  }
}

TEST(Receipt, EveryPrefixAndOctetChangeHasAnAnswer) {
  for (std::size_t n = 0; n <= usual.size(); ++n) {
    const auto r = parse_receipt(as_bytes(usual.substr(0, n)));
    EXPECT_EQ(r.has_value(), n >= 4) << n;
  }
  for (std::size_t i = 0; i < usual.size(); ++i) {
    for (int v = 0; v < 256; ++v) {
      std::string changed{usual};
      changed[i] = static_cast<char>(v);
      const auto r = parse_receipt(as_bytes(changed));
      EXPECT_TRUE(!r || is_valid_utf8(r->text));
    }
  }
}

TEST(Receipt, FormatsAppendixB) {
  receipt r;
  r.id = "0000012345";
  r.submit_date = at(2024, 5, 6, 7, 8, 9);
  r.done_date = at(2024, 5, 6, 7, 9);
  r.state = message_state::delivered;
  r.text = "twenty characters at most";
  EXPECT_EQ(format_receipt(r),
            "id:0000012345 sub:001 dlvrd:001 submit date:2405060708 done date:2405060709 stat:DELIVRD err:000 "
            "text:twenty characters at");
  r.state = message_state::rejected;
  r.err = "5";
  r.submit_date.reset();
  r.text = "";
  EXPECT_EQ(format_receipt(r, {.seconds = true, .zone = 60min}),
            "id:0000012345 sub:001 dlvrd:000 submit date:000000000000 done date:240506080900 stat:REJECTD err:005 "
            "text:");
}

TEST(Receipt, FormattedTextKeepsWholeCharacters) {
  receipt r;
  r.id = "1";
  r.stat = "ODD";
  for (int i = 0; i < 30; ++i) r.text += "\u20ac";
  const auto text = format_receipt(r);
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(count_code_points(text.substr(text.find("text:") + 5)), 20u);
  EXPECT_NE(text.find("stat:ODD"), std::string::npos);
}

TEST(Receipt, ParsesWhatItFormats) {
  for (int state = 0; state <= 9; ++state) {
    receipt r;
    r.id = r.text_id = "a1b2";
    r.submitted = 3;
    r.delivered = 2;
    r.submit_date = at(2024, 2, 29, 1, 2);
    r.done_date = at(2024, 2, 29, 1, 3);
    r.state = static_cast<message_state>(state);
    r.stat = stat_word(*r.state);
    r.err = "012";
    r.err_number = 12;
    r.text = "stat:x text:y";
    EXPECT_EQ(parse(format_receipt(r)), r) << state;
  }
}

TEST(MessageState, MapsToStatWordsAndBack) {
  for (std::uint8_t s = 0; s <= 9; ++s) {
    const auto state = static_cast<message_state>(s);
    EXPECT_EQ(state_from_stat(stat_word(state)), state);
    EXPECT_EQ(is_final(state), s >= 2);
  }
  EXPECT_EQ(stat_word(message_state::undeliverable), "UNDELIV");
  EXPECT_EQ(stat_word(static_cast<message_state>(99)), "UNKNOWN");
  EXPECT_FALSE(is_final(static_cast<message_state>(99)));
  EXPECT_EQ(state_from_stat("delivered"), message_state::delivered);
  EXPECT_EQ(state_from_stat("Failed"), message_state::undeliverable);
  EXPECT_EQ(state_from_stat("BUFFRED"), message_state::enroute);
  EXPECT_FALSE(state_from_stat("DELIV"));
  EXPECT_FALSE(state_from_stat(""));
}

TEST(MessageId, MatchesExactlyThenNormalizedThenByBase) {
  EXPECT_TRUE(ids_match("abc", "abc"));
  EXPECT_TRUE(ids_match("00AB", "ab"));
  EXPECT_TRUE(ids_match("0000003005", "3005"));
  EXPECT_FALSE(ids_match("abc", "abd"));
  EXPECT_FALSE(ids_match("0", ""));
  EXPECT_FALSE(ids_match("6aad5", "0000436949"));
  const id_profile hex_submit{.submit = id_base::hexadecimal, .receipt = id_base::decimal};
  EXPECT_TRUE(ids_match("6AAD5", "0000436949", hex_submit));
  EXPECT_FALSE(ids_match("6AAD6", "0000436949", hex_submit));
  EXPECT_TRUE(ids_match("436949", "0006aad5", {.submit = id_base::decimal, .receipt = id_base::hexadecimal}));
  EXPECT_FALSE(ids_match("123", "not-a-number", hex_submit));
  EXPECT_TRUE(ids_match("34f0ac1b-a11d", "34F0AC1B-A11D", hex_submit));
}

TEST(MessageId, WritesEightHexadecimalDigits) {
  EXPECT_EQ(format_hex_id(0), "00000000");
  EXPECT_EQ(format_hex_id(0x6AAD5), "0006aad5");
  EXPECT_EQ(format_hex_id(0xFFFFFFFF), "ffffffff");
  EXPECT_TRUE(ids_match(format_hex_id(436949), "0000436949", {id_base::hexadecimal, id_base::decimal}));
}

TEST(MessageId, ConvertsLongNumbers) {
  EXPECT_EQ(convert_id("ffffffffffffffffffffffffffffffff", id_base::hexadecimal, id_base::decimal),
            "340282366920938463463374607431768211455");
  EXPECT_EQ(convert_id("340282366920938463463374607431768211455", id_base::decimal, id_base::hexadecimal),
            std::string(32, 'f'));
  EXPECT_EQ(convert_id("000", id_base::decimal, id_base::hexadecimal), "0");
  EXPECT_EQ(convert_id("0X", id_base::decimal, id_base::hexadecimal), std::nullopt);
  EXPECT_EQ(convert_id("12a", id_base::decimal, id_base::hexadecimal), std::nullopt);
  EXPECT_EQ(convert_id("", id_base::decimal, id_base::hexadecimal), std::nullopt);
  EXPECT_EQ(convert_id(std::string(65, '9'), id_base::decimal, id_base::hexadecimal), std::nullopt);
  EXPECT_EQ(convert_id("00Ab", id_base::hexadecimal, id_base::hexadecimal), "ab");
}

TEST(MessageId, SubmitKeyIsWhatTheStoreLooksUp) {
  const id_profile profile{.submit = id_base::hexadecimal, .receipt = id_base::decimal};
  EXPECT_EQ(submit_key("0000436949", profile), normalized_id("0006AAD5"));
  EXPECT_EQ(submit_key("ZZ", profile), "zz");
  std::uint64_t seed = 1;
  for (int i = 0; i < 1'000; ++i) {
    const auto number = std::to_string(mix(++seed));
    const auto hex = convert_id(number, id_base::decimal, id_base::hexadecimal);
    EXPECT_EQ(submit_key(*hex, {.submit = id_base::decimal, .receipt = id_base::hexadecimal}), number);
  }
}
