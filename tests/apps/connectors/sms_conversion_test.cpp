// Messages between PDUs and the engine: what is understood, what is carried along, what is refused.
#include "connectors/sms_conversion.hpp"

#include <gtest/gtest.h>

#include "msgkit/smpp/text/text_error.hpp"
#include "msgkit/smpp/text/udh.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace std::chrono_literals;
using smpp::command_status;
using smpp::long_message_method;
using smpp::tag;

namespace {

constexpr wall_time now{std::chrono::milliseconds{1'790'000'000'000}};  // 2026-09-21 14:13:20

const smpp::submit_sm simple{.source_addr_ton = smpp::ton::international,
                             .source_addr_npi = smpp::npi::isdn,
                             .source_addr = "46709999999",
                             .dest_addr_ton = smpp::ton::international,
                             .dest_addr_npi = smpp::npi::isdn,
                             .destination_addr = "46700000001",
                             .short_message = "hello"};

result<engine::content_ptr> take(const smpp::submit_sm& m, const sms_profile& peer = {}) {
  return to_content(m, "client:alice", peer, now);
}
// What a peer is sent for a content: encoded and decoded again, so that it owns its octets.
std::vector<smpp::owned<smpp::submit_sm>> give(const engine::message_content& c, const sms_profile& peer = {}) {
  std::vector<smpp::owned<smpp::submit_sm>> out;
  const auto parts = to_parts(c, peer, 0x1234);
  EXPECT_TRUE(parts);
  if (!parts) return out;
  smpp::tlv_builder tlvs;
  for (const auto& part : parts->parts) {
    smpp::submit_sm m;
    fill(m, c, *parts, part, tlvs);
    auto copy = own(m);
    EXPECT_TRUE(copy) << copy.error().field;
    if (copy) out.push_back(*std::move(copy));
  }
  return out;
}
engine::message_content content_of(const smpp::submit_sm& m, const sms_profile& peer = {}) {
  const auto c = take(m, peer);
  EXPECT_TRUE(c) << c.error().field;
  return c ? **c : engine::message_content{};
}
void expect_refused(const smpp::submit_sm& m, command_status status, std::string_view field) {
  const auto c = take(m);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, make_error_code(status)) << c.error().code.message();
  EXPECT_EQ(c.error().field, field);
  EXPECT_EQ(smpp::status_for(c.error()), status);
}
std::string text_of(bytes_view b) { return std::string(as_text(b)); }

}  // namespace

// ---- from a peer

TEST(SmsConversion, TakesEveryFieldItKnows) {
  auto m = simple;
  m.service_type = "CMT";
  m.priority_flag = 2;
  m.data_coding = 8;
  m.short_message = std::string_view{"\0h\0i", 4};
  const auto c = content_of(m);
  EXPECT_EQ(c.account, "client:alice");
  EXPECT_EQ(c.source, (engine::address{1, 1, "46709999999"}));
  EXPECT_EQ(c.destination, (engine::address{1, 1, "46700000001"}));
  EXPECT_EQ(text_of(c.body), m.short_message);
  EXPECT_EQ(c.coding, 8);
  EXPECT_EQ(c.service_type, "CMT");
  EXPECT_EQ(c.priority, 2);
  EXPECT_EQ(c.receipt_wanted, 0);
  EXPECT_EQ(c.kind, engine::message_kind::sms);
  EXPECT_FALSE(c.user_data_header);
}

TEST(SmsConversion, APlainMessageComesOutAsItWentIn) {
  const auto out = give(content_of(simple));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(*out[0], simple);
}

TEST(SmsConversion, CarriesWhatItDoesNotKnow) {
  smpp::tlv_builder tlvs;
  tlvs.add_u16(static_cast<tag>(0x1400), 7).add_u8(tag::source_port, 1);
  auto m = simple;
  m.esm_class = smpp::esm::mode_store_and_forward;
  m.protocol_id = 0x41;
  m.replace_if_present_flag = 1;
  m.sm_default_msg_id = 9;
  m.tlvs = tlvs.list();
  const auto out = give(content_of(m));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(*out[0], m);
}

TEST(SmsConversion, TakesThePayloadWhenThereIsNoShortMessage) {
  smpp::tlv_builder tlvs;
  (void)tlvs.add(tag::message_payload, as_bytes("from the payload"));
  auto m = simple;
  m.short_message = {};
  m.tlvs = tlvs.list();
  const auto c = content_of(m);
  EXPECT_EQ(text_of(c.body), "from the payload");
  const auto out = give(c);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0]->short_message, "from the payload");
  EXPECT_FALSE(out[0]->tlvs.find(tag::message_payload));
}

TEST(SmsConversion, ReceiptsAreAskedForInFourWays) {
  const std::pair<std::uint8_t, std::uint8_t> table[] = {
      {0x00, 0},
      {0x01, engine::receipt_on_success | engine::receipt_on_failure},
      {0x02, engine::receipt_on_failure},
      {0x03, engine::receipt_on_success},
      {0x11, engine::receipt_on_success | engine::receipt_on_failure | engine::receipt_intermediate},
      {0x0C, 0},  // acknowledgements of the phone are not receipts
  };
  for (const auto& [registered, wanted] : table) {
    auto m = simple;
    m.registered_delivery = registered;
    EXPECT_EQ(content_of(m).receipt_wanted, wanted) << int{registered};
  }
}

TEST(SmsConversion, KeepsTheSubmittersReference) {
  smpp::tlv_builder tlvs;
  tlvs.add_u16(tag::user_message_reference, 0x4142);
  auto m = simple;
  m.tlvs = tlvs.list();
  EXPECT_EQ(content_of(m).reference, "AB");
}

TEST(SmsConversion, TimesAreResolvedAgainstNow) {
  auto m = simple;
  EXPECT_EQ(content_of(m).valid_until, wall_time{});
  m.validity_period = "000000013000000R";
  m.schedule_delivery_time = "000000001000000R";
  auto c = content_of(m);
  EXPECT_EQ(c.valid_until, now + 90min);
  EXPECT_EQ(c.schedule_at, now + 10min);
  m.validity_period = "260921153320000+";
  c = content_of(m);
  EXPECT_EQ(c.valid_until, now + 80min);
}

TEST(SmsConversion, FiveHasAFifthPriority) {
  auto m = simple;
  m.priority_flag = 4;
  EXPECT_EQ(content_of(m).priority, 3);
  m.priority_flag = 5;
  expect_refused(m, command_status::invalid_priority_flag, "priority_flag");
}

TEST(SmsConversion, BadTimesAreRefusedByTheirField) {
  for (const auto* bad : {"yesterday", "260921133320000", "261321133320000+", "260921133320000*"}) {
    auto m = simple;
    m.validity_period = bad;
    expect_refused(m, command_status::invalid_expiry, "validity_period");
    m = simple;
    m.schedule_delivery_time = bad;
    expect_refused(m, command_status::invalid_schedule, "schedule_delivery_time");
  }
}

TEST(SmsConversion, WhatHasExpiredIsRefused) {
  auto m = simple;
  m.validity_period = "260920000000000+";
  expect_refused(m, command_status::invalid_expiry, "validity_period");
}

TEST(SmsConversion, NoDestinationIsRefused) {
  auto m = simple;
  m.destination_addr = {};
  expect_refused(m, command_status::invalid_destination_address, "destination_addr");
}

// Announced headers that are not there: never taken for text.
TEST(SmsConversion, BrokenUserDataHeadersAreRefused) {
  for (const std::string_view bad : {
           std::string_view{},                           // announced, and nothing at all
           std::string_view{"\x05", 1},                  // UDHL beyond the message
           std::string_view{"\x7F\x00\x03\x01\x02\x01x", 7},
           std::string_view{"\x05\x00\x09\x01\x02\x01x", 7},  // an element beyond UDHL
       }) {
    auto m = simple;
    m.esm_class = smpp::esm::udh_indicator;
    m.short_message = bad;
    expect_refused(m, command_status::invalid_message_length, "short_message");
  }
}

// ---- data coding 0

TEST(SmsConversion, ALatin1PeersTextBecomesGsm7) {
  const sms_profile latin1{.default_charset = smpp::charset::latin1};
  auto m = simple;
  m.short_message = "sm\xE5 \xA3 @";
  const auto c = content_of(m, latin1);
  EXPECT_EQ(text_of(c.body), (std::string{"sm\x0F \x01 \x00", 7}));
  EXPECT_EQ(c.coding, 0);
  const auto back = give(c, latin1);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0]->short_message, m.short_message);
  EXPECT_EQ(back[0]->data_coding, 0);
}

TEST(SmsConversion, WhatGsm7CannotShowGoesAsUcs2) {
  auto m = simple;
  m.short_message = "\xE7";  // c with cedilla: GSM 7-bit has the capital only
  const auto c = content_of(m, {.default_charset = smpp::charset::latin1});
  EXPECT_EQ(c.coding, 8);
  EXPECT_EQ(text_of(c.body), (std::string{"\x00\xE7", 2}));
}

TEST(SmsConversion, WhatALatin1PeerCannotShowGoesAsUcs2) {
  auto m = simple;
  m.short_message = "\x1B\x65";  // the euro sign
  const auto out = give(content_of(m), {.default_charset = smpp::charset::latin1});
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0]->data_coding, 8);
  EXPECT_EQ(out[0]->short_message, (std::string_view{"\x20\xAC", 2}));
}

TEST(SmsConversion, OtherCodingsPassUntouched) {
  const sms_profile latin1{.default_charset = smpp::charset::latin1};
  for (const std::uint8_t coding : {std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{0xF1}}) {
    auto m = simple;
    m.data_coding = coding;
    m.short_message = "\xE5\x00\xFF";
    const auto out = give(content_of(m, latin1));
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0]->short_message, m.short_message);
    EXPECT_EQ(out[0]->data_coding, coding);
  }
}

// ---- long messages

namespace {

const std::string long_text(400, 'x');

engine::message_content long_content(std::uint8_t coding = 0) {
  smpp::tlv_builder tlvs;
  (void)tlvs.add(tag::message_payload, as_bytes(long_text));
  auto m = simple;
  m.data_coding = coding;
  m.short_message = {};
  m.tlvs = tlvs.list();
  return content_of(m);
}
// The text behind the headers of all parts, which must be numbered 1..n of n with one reference.
std::string joined(const std::vector<smpp::owned<smpp::submit_sm>>& parts, std::uint16_t reference) {
  std::string text;
  std::uint8_t sequence = 0;
  for (const auto& part : parts) {
    EXPECT_TRUE(smpp::has_udh(part->esm_class));
    const auto split = smpp::split_user_data(as_bytes(part->short_message));
    EXPECT_TRUE(split);
    if (!split) return text;
    const auto position = split->header.concatenation();
    EXPECT_TRUE(position);
    if (!position) return text;
    EXPECT_EQ(position->sequence, ++sequence);
    EXPECT_EQ(position->total, parts.size());
    EXPECT_EQ(position->reference, reference);
    text += as_text(split->body);
  }
  return text;
}

}  // namespace

TEST(SmsConversion, LongTextsAreCutByTheMethodOfThePeer) {
  EXPECT_EQ(joined(give(long_content(), {.long_messages = long_message_method::udh8}), 0x34), long_text);
  EXPECT_EQ(joined(give(long_content(), {.long_messages = long_message_method::udh16}), 0x1234), long_text);

  const auto sar = give(long_content(), {.long_messages = long_message_method::sar});
  ASSERT_EQ(sar.size(), 3u);
  std::string text;
  for (std::size_t i = 0; i < sar.size(); ++i) {
    EXPECT_FALSE(smpp::has_udh(sar[i]->esm_class));
    EXPECT_EQ(sar[i]->tlvs.find_integer(tag::sar_segment_seqnum), i + 1);
    EXPECT_EQ(sar[i]->tlvs.find_integer(tag::sar_total_segments), 3u);
    text += sar[i]->short_message;
  }
  EXPECT_EQ(text, long_text);

  const auto whole = give(long_content(), {.long_messages = long_message_method::payload});
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0]->short_message, "");
  EXPECT_EQ(as_text(whole[0]->tlvs.find(tag::message_payload)->value), long_text);
}

TEST(SmsConversion, OneMessageHolds160SeptetsOr140Octets) {
  auto c = content_of(simple);
  c.body.assign(160, 'x');
  EXPECT_EQ(give(c).size(), 1u);
  c.body.assign(161, 'x');
  EXPECT_EQ(give(c).size(), 2u);
  c.coding = 4;
  c.body.assign(140, 'x');
  EXPECT_EQ(give(c).size(), 1u);
  c.body.assign(141, 'x');
  EXPECT_EQ(give(c).size(), 2u);
}

TEST(SmsConversion, MoreThan255PartsAreRefused) {
  auto c = content_of(simple);
  c.body.assign(153 * 255 + 1, 'x');
  const auto parts = to_parts(c, {}, 1);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, make_error_code(command_status::invalid_message_length));
  EXPECT_EQ(outcome_of(parts.error().code), engine::attempt_outcome::permanent);
}

TEST(SmsConversion, ASegmentOfTheSendersOwnStaysAsItIs) {
  auto m = simple;
  m.esm_class = smpp::esm::udh_indicator;
  m.short_message = std::string_view{"\x05\x00\x03\x42\x02\x01first half", 16};
  const auto c = content_of(m);
  EXPECT_TRUE(c.user_data_header);
  for (const auto method : {long_message_method::udh8, long_message_method::sar, long_message_method::payload}) {
    const auto out = give(c, {.long_messages = method});
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(*out[0], m);
  }
}

TEST(SmsConversion, TellsThatItIsAPartOfALongMessage) {
  auto m = simple;
  m.esm_class = smpp::esm::udh_indicator;
  m.short_message = std::string_view{"\x05\x00\x03\x42\x02\x01" "first half", 16};
  const auto extras = extras_of(m, content_of(m), {}, true);
  ASSERT_TRUE(extras && extras->piece);
  EXPECT_EQ(extras->piece->reference, 0x42u);
  EXPECT_EQ(extras->piece->count, 2);
  EXPECT_EQ(extras->piece->number, 1);
  EXPECT_EQ(extras->piece->header_octets, 6);
  EXPECT_TRUE(extras->text.empty()) << "a part is no keyword";
  // With a national table beside it, and in an alphabet of the peer's own: as it came.
  auto table = m;
  table.short_message = std::string_view{"\x08\x00\x03\x42\x02\x01\x25\x01\x01" "half", 13};
  EXPECT_FALSE(extras_of(table, content_of(table), {}, false));
  EXPECT_FALSE(extras_of(m, content_of(m), {.default_charset = smpp::charset::latin1}, false));
}

TEST(SmsConversion, TellsTheTextOfAPerson) {
  auto m = simple;
  m.short_message = "stop";
  const auto extras = extras_of(m, content_of(m), {}, true);
  ASSERT_TRUE(extras);
  EXPECT_EQ(extras->text, "stop");
  EXPECT_FALSE(extras_of(m, content_of(m), {}, false));
}

TEST(SmsConversion, SarTlvsBecomeAHeaderForPeersThatWantOne) {
  smpp::tlv_builder tlvs;
  tlvs.add_u16(tag::sar_msg_ref_num, 0x77).add_u8(tag::sar_total_segments, 2).add_u8(tag::sar_segment_seqnum, 2);
  auto m = simple;
  m.tlvs = tlvs.list();
  const auto c = content_of(m);

  const auto header = give(c, {.long_messages = long_message_method::udh8});
  ASSERT_EQ(header.size(), 1u);
  EXPECT_TRUE(smpp::has_udh(header[0]->esm_class));
  const auto split = smpp::split_user_data(as_bytes(header[0]->short_message));
  ASSERT_TRUE(split);
  const auto position = split->header.concatenation();
  ASSERT_TRUE(position);
  EXPECT_EQ(position->reference, 0x77);
  EXPECT_EQ(position->total, 2);
  EXPECT_EQ(position->sequence, 2);
  EXPECT_EQ(as_text(split->body), "hello");
  EXPECT_TRUE(header[0]->tlvs.empty());

  const auto kept = give(c, {.long_messages = long_message_method::sar});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(*kept[0], m);
}

TEST(SmsConversion, SarTlvsThatMakeNoSenseAreJustCarried) {
  smpp::tlv_builder tlvs;
  tlvs.add_u16(tag::sar_msg_ref_num, 1).add_u8(tag::sar_total_segments, 2).add_u8(tag::sar_segment_seqnum, 3);
  auto m = simple;
  m.tlvs = tlvs.list();
  const auto out = give(content_of(m));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(*out[0], m);
}

TEST(SmsConversion, CarriedTlvsGoWithEveryPart) {
  smpp::tlv_builder tlvs;
  tlvs.add_u16(static_cast<tag>(0x1400), 7);
  (void)tlvs.add(tag::message_payload, as_bytes(long_text));
  auto m = simple;
  m.short_message = {};
  m.tlvs = tlvs.list();
  const auto out = give(content_of(m));
  ASSERT_EQ(out.size(), 3u);
  for (const auto& each : out) {
    EXPECT_EQ(each->tlvs.find_integer(static_cast<tag>(0x1400)), 7u);
    EXPECT_FALSE(each->tlvs.find(tag::message_payload));
  }
}

// ---- outcomes

TEST(SmsConversion, FaultsBecomeOutcomes) {
  using o = engine::attempt_outcome;
  EXPECT_EQ(outcome_of({}), o::sent);
  EXPECT_EQ(outcome_of(smpp::errc::response_timeout), o::unknown);
  EXPECT_EQ(outcome_of(smpp::errc::session_closed), o::unknown);
  EXPECT_EQ(outcome_of(smpp::errc::nacked), o::temporary);
  EXPECT_EQ(outcome_of(command_status::throttled), o::throttled);
  EXPECT_EQ(outcome_of(command_status::receiver_temporary_error), o::temporary);
  EXPECT_EQ(outcome_of(command_status::receiver_permanent_error), o::permanent);
  EXPECT_EQ(code_of(command_status::throttled), 0x58u);
  EXPECT_EQ(code_of(smpp::errc::response_timeout), 0u);
}
