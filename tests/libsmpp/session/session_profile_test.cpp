// What a session does for peers that differ: SMPP 3.3, and the options of peer_profile.
#include "session_pair.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

pair bound_with(std::uint8_t esme_version, peer_profile mc_profile = {}) {
  session_options options;
  options.profile = mc_profile;
  pair p({}, options);
  EXPECT_TRUE(p.esme.bind(bind_mode::transceiver, {.system_id = "old", .interface_version = esme_version}, p.now));
  p.to_mc();
  EXPECT_TRUE(p.mc.accept_bind("mc", p.now));
  drain(p.mc);
  p.to_esme();
  return p;
}

template <class Pdu>
Pdu sent(session& s, byte_vector& kept) {
  kept = s.take_output();
  const auto m = decode_as<Pdu>(kept);
  EXPECT_TRUE(m) << m.error().code.message();
  return m ? *m : Pdu{};
}

}  // namespace

TEST(SessionVersion33, IsSentNoTlvs) {
  auto p = bound_with(0x33);
  tlv_builder tlvs;
  tlvs.add_u8(tag::message_state, 2).add_cstring(tag::receipted_message_id, "0001f3a1");
  ASSERT_TRUE(p.mc.request(deliver_sm{.esm_class = esm::delivery_receipt, .short_message = "id:1", .tlvs = tlvs.list()}, p.now));
  byte_vector kept;
  const auto m = sent<deliver_sm>(p.mc, kept);
  EXPECT_EQ(m.short_message, "id:1");
  EXPECT_TRUE(m.tlvs.empty());
}

TEST(SessionVersion33, RefusesAMessageThatWouldBeLostWithItsTlvs) {
  auto p = bound_with(0x33);
  for (const auto t : {tag::message_payload, tag::sar_msg_ref_num, tag::sar_total_segments, tag::sar_segment_seqnum}) {
    tlv_builder tlvs;
    tlvs.add_u8(t, 1);
    const auto refused = p.mc.request(deliver_sm{.tlvs = tlvs.list()}, p.now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::version_forbids);
  }
  EXPECT_FALSE(p.mc.has_output());
  EXPECT_EQ(p.mc.open_requests(), 0u);
}

TEST(SessionVersion33, HasNoDataSmAlertOrBroadcast) {
  auto p = bound_with(0x2c);  // whatever is below 3.4
  EXPECT_EQ(p.mc.request(data_sm{}, p.now).error().code, errc::version_forbids);
  EXPECT_EQ(p.mc.request(alert_notification{}, p.now).error().code, errc::version_forbids);
  EXPECT_EQ(p.esme.request(broadcast_sm{}, p.now).error().code, errc::version_forbids);
  EXPECT_TRUE(p.mc.request(deliver_sm{}, p.now));
}

TEST(SessionVersion33, CarriesItsOwnOperations) {
  auto p = bound_with(0x33);
  ASSERT_TRUE(p.esme.request(query_last_msgs{.source_addr = "1", .no_of_msgs = 2}, p.now, {.cookie = 4}));
  const auto asked = p.to_mc().at(0);
  EXPECT_EQ(asked.id, command_id::query_last_msgs);
  counted_list_builder<listed_message> ids;
  ASSERT_TRUE(ids.add({.message_id = "0000002a"}));
  ASSERT_TRUE(p.mc.respond(asked.sequence, query_last_msgs_resp{.messages = ids.list()}));
  const auto answer = p.to_esme().at(0);
  EXPECT_EQ(answer.kind, event_kind::response);
  EXPECT_EQ(answer.cookie, 4u);

  ASSERT_TRUE(p.esme.request(param_retrieve{.param_name = "x"}, p.now));
  ASSERT_TRUE(p.mc.respond(p.to_mc().at(0).sequence, param_retrieve_resp{.param_value = "y"}));
  EXPECT_FALSE(p.to_esme().at(0).reason);
  ASSERT_TRUE(p.esme.request(query_msg_details{.message_id = "2a", .sm_length = 10}, p.now));
  ASSERT_TRUE(p.mc.respond(p.to_mc().at(0).sequence, query_msg_details_resp{}, command_status::query_failed));
  EXPECT_EQ(p.to_esme().at(0).reason, command_status::query_failed);
}

TEST(SessionVersion33, RefusalsAreAHeaderOnly) {
  auto p = bound_with(0x33);
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now));
  ASSERT_TRUE(p.mc.respond(p.to_mc().at(0).sequence, submit_sm_resp{}, command_status::submit_failed));
  EXPECT_EQ(p.mc.output().size(), header_bytes);
}

TEST(SessionVersion34, SendsAtMost254OctetsOfText) {
  const std::string text(255, 'x');
  const submit_sm longest{.destination_addr = "1", .short_message = text};
  pair p;
  p.bind();
  EXPECT_EQ(p.esme.request(longest, p.now).error().field, "short_message");
  EXPECT_TRUE(p.esme.request(submit_sm{.short_message = std::string_view(text).substr(1)}, p.now));

  session_options options;
  options.interface_version = 0x50;
  pair q(options, options);
  ASSERT_TRUE(q.esme.bind(bind_mode::transceiver, {.system_id = "esme", .interface_version = 0x50}, q.now));
  q.to_mc();
  ASSERT_TRUE(q.mc.accept_bind("mc", q.now));
  q.to_esme();
  EXPECT_TRUE(q.esme.request(longest, q.now));
}

TEST(SessionProfile, TlvsBelow34GoToAPeerThatTakesThem) {
  auto p = bound_with(0x33, {.tlvs_below_3_4 = true});
  tlv_builder tlvs;
  tlvs.add_u8(tag::message_state, 2);
  ASSERT_TRUE(p.mc.request(deliver_sm{.tlvs = tlvs.list()}, p.now));
  byte_vector kept;
  EXPECT_EQ(sent<deliver_sm>(p.mc, kept).tlvs.find_integer(tag::message_state), 2u);
}

TEST(SessionProfile, MessageIdsMayBeHeldToWhat33Takes) {
  auto p = bound_with(0x33, {.message_id_bytes_max = message_id_bytes_3_3});
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now));
  const auto sequence = p.to_mc().at(0).sequence;
  const auto refused = p.mc.respond(sequence, submit_sm_resp{.message_id = "123456789"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::field_too_long);
  EXPECT_EQ(refused.error().field, "message_id");
  EXPECT_TRUE(p.mc.respond(sequence, submit_sm_resp{.message_id = format_hex_id(0x12345678)})) << "still open";
}

TEST(SessionProfile, ErrorResponsesMayHaveABody) {
  auto p = bound_with(0x34, {.error_responses_have_body = true});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now));
  const auto arrived = p.to_mc();
  ASSERT_TRUE(p.mc.respond(arrived[0].sequence, submit_sm_resp{}, command_status::throttled));
  ASSERT_TRUE(p.mc.reject(arrived[1].sequence, command_status::throttled));
  const auto answers = headers(p.mc.output());
  ASSERT_EQ(answers.size(), 2u);
  for (const auto& each : answers) {
    EXPECT_EQ(each.command_length, header_bytes + 1);
    EXPECT_EQ(each.status, command_status::throttled);
  }
  EXPECT_EQ(p.to_esme().size(), 2u);

  session_options options;
  options.profile.error_responses_have_body = true;
  pair q({}, options);
  ASSERT_TRUE(q.esme.bind(bind_mode::transceiver, {.system_id = "esme"}, q.now));
  q.to_mc();
  ASSERT_TRUE(q.mc.refuse_bind(command_status::invalid_password));
  EXPECT_EQ(q.mc.output().size(), header_bytes + 1);
}

TEST(SessionProfile, TextsMayEndInANul) {
  session_options options;
  options.profile.texts_end_in_nul = true;
  pair p(options, {});
  p.bind();
  byte_vector kept;
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1", .short_message = "hello"}, p.now));
  EXPECT_EQ(sent<submit_sm>(p.esme, kept).short_message, std::string_view("hello\0", 6));
  tlv_builder tlvs;
  ASSERT_TRUE(tlvs.add(tag::message_payload, as_bytes("hi")));
  tlvs.add_u8(tag::user_response_code, 7);
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1", .tlvs = tlvs.list()}, p.now));
  const auto m = sent<submit_sm>(p.esme, kept);
  EXPECT_EQ(m.short_message, "");
  EXPECT_EQ(as_text(m.tlvs.find(tag::message_payload)->value), std::string_view("hi\0", 3));
  EXPECT_EQ(m.tlvs.find_integer(tag::user_response_code), 7u);
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now));
  EXPECT_EQ(sent<submit_sm>(p.esme, kept).short_message, "") << "nothing has no end";
}

TEST(SessionProfile, SendsNoPduLongerThanThePeerTakes) {
  session_options options;
  options.profile.pdu_bytes_sent_max = 7424;
  pair p(options, {});
  p.bind();
  const byte_vector text(7400, 'x');
  tlv_builder tlvs;
  ASSERT_TRUE(tlvs.add(tag::message_payload, text));
  const auto refused = p.esme.request(submit_sm{.destination_addr = "1", .tlvs = tlvs.list()}, p.now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::pdu_too_long);
  EXPECT_FALSE(p.esme.has_output());
  EXPECT_EQ(p.esme.open_requests(), 0u);
  tlvs.clear();
  ASSERT_TRUE(tlvs.add(tag::message_payload, bytes_view{text}.first(7000)));
  EXPECT_TRUE(p.esme.request(submit_sm{.destination_addr = "1", .tlvs = tlvs.list()}, p.now));
}

TEST(SessionProfile, ARefusalAlwaysFindsItsWay) {
  // The bind response just fits, an empty query_sm_resp does not.
  auto p = bound_with(0x33, {.pdu_bytes_sent_max = header_bytes + 3, .error_responses_have_body = true});
  ASSERT_TRUE(p.esme.request(query_sm{.message_id = "1"}, p.now));
  ASSERT_TRUE(p.mc.reject(p.to_mc().at(0).sequence, command_status::throttled));
  EXPECT_EQ(p.mc.output().size(), header_bytes);
  EXPECT_EQ(p.to_esme().at(0).reason, command_status::throttled);
}

TEST(SessionProfile, LimitsMayBeTolerated) {
  const submit_sm wide{.source_addr = "a-source-address-of-32-characters"};
  pair p;
  p.bind();
  EXPECT_EQ(p.esme.request(wide, p.now).error().code, errc::field_too_long);
  session_options options;
  options.profile.limits = length_limits::tolerated;
  pair q(options, {});
  q.bind();
  EXPECT_TRUE(q.esme.request(wide, q.now));

  const std::string id(80, '7');
  auto r = bound_with(0x34, {.limits = length_limits::tolerated, .error_responses_have_body = true});
  ASSERT_TRUE(r.esme.request(submit_sm{.destination_addr = "1"}, r.now));
  EXPECT_TRUE(r.mc.respond(r.to_mc().at(0).sequence, submit_sm_resp{.message_id = id}));
  EXPECT_EQ(r.to_esme().at(0).text, id);
}

TEST(SessionProfile, AlreadyBoundIsSuccessUnlessSaidOtherwise) {
  for (const bool success : {true, false}) {
    session_options options;
    options.role = role::esme;
    options.profile.already_bound_is_success = success;
    const time_point now{};
    session s(options, now);
    ASSERT_TRUE(s.bind(bind_mode::transceiver, {}, now));
    byte_vector answer;
    ASSERT_TRUE(encode(bind_transceiver_resp{}, 1, answer, command_status::already_bound));
    const auto events = feed(s, answer, now);
    EXPECT_EQ(events.at(0).kind, success ? event_kind::bound : event_kind::bind_refused);
  }
}

TEST(SessionProfile, AMissingVersionMeans33OnlyWhenSaid) {
  for (const bool strict : {true, false}) {
    session_options options;
    options.role = role::esme;
    options.profile.missing_version_is_3_3 = strict;
    const time_point now{};
    session s(options, now);
    ASSERT_TRUE(s.bind(bind_mode::transceiver, {}, now));
    byte_vector answer;
    ASSERT_TRUE(encode(bind_transceiver_resp{.system_id = "mc"}, 1, answer));
    feed(s, answer, now);
    EXPECT_EQ(s.interface_version(), strict ? 0x33 : 0x34);
  }
}

TEST(SessionProfile, ALenientCentreTakesWhatAStrictOneRefuses) {
  byte_vector odd;
  ASSERT_TRUE(encode(submit_sm{.destination_addr = "1", .validity_period = "1511101456"}, 5, odd, command_status::ok,
                     length_limits::tolerated));
  pair strict;
  strict.bind();
  EXPECT_TRUE(feed(strict.mc, odd, strict.now).empty());
  EXPECT_EQ(headers(strict.mc.output()).at(0).status, command_status::invalid_expiry);
  auto lenient = bound_with(0x34, {.messages = strictness::lenient});
  EXPECT_EQ(feed(lenient.mc, odd, lenient.now).at(0).kind, event_kind::request);
}
