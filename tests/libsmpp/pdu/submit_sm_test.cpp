#include "msgkit/smpp/pdu/short_message.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(SubmitSm, DecodesEveryField) {
  const auto m = decode_vector<submit_sm>("submit_sm_every_field");
  EXPECT_EQ(m.head.sequence, 0x11223344u);
  EXPECT_EQ(m.head.status, command_status::ok);
  EXPECT_EQ(m->service_type, "WAP");
  EXPECT_EQ(m->source_addr_ton, ton::alphanumeric);
  EXPECT_EQ(m->source_addr_npi, npi::unknown);
  EXPECT_EQ(m->source_addr, "Sender");
  EXPECT_EQ(m->dest_addr_ton, ton::international);
  EXPECT_EQ(m->dest_addr_npi, npi::isdn);
  EXPECT_EQ(m->destination_addr, "447700900123");
  EXPECT_EQ(m->esm_class, 0x03);
  EXPECT_EQ(m->protocol_id, 0x7f);
  EXPECT_EQ(m->priority_flag, 2);
  EXPECT_EQ(m->schedule_delivery_time, "260102030405012+");
  EXPECT_EQ(m->validity_period, "000002000000000R");
  EXPECT_EQ(m->registered_delivery, 0x11);
  EXPECT_EQ(m->replace_if_present_flag, 1);
  EXPECT_EQ(m->data_coding, 0xf5);
  EXPECT_EQ(m->sm_default_msg_id, 7);
  EXPECT_EQ(m->short_message, std::string_view("a\0b\xff" "c", 5));
  EXPECT_EQ(m->tlvs.find_integer(tag::user_message_reference), 0x1234u);
  EXPECT_EQ(m->tlvs.find_integer(tag::sar_msg_ref_num), 0xbeefu);
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(SubmitSm, KeepsAUserDataHeaderInTheShortMessage) {
  const auto m = decode_vector<submit_sm>("submit_sm_language_udh");
  EXPECT_EQ(m->source_addr, "46701133111");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::unknown);
  EXPECT_EQ(m->destination_addr, "46709771337");
  EXPECT_TRUE(has_udh(m->esm_class));
  EXPECT_EQ(m->data_coding, 1);
  EXPECT_EQ(to_hex(as_bytes(m->short_message)), "03240103747b7374");
  expect_encodes_back(m);
}

TEST(SubmitSm, KeepsPayloadBesideTextAndSaysSo) {
  const auto m = decode_vector<submit_sm>("submit_sm_message_payload_beside_text");
  EXPECT_EQ(m->short_message.size(), 8u);
  EXPECT_EQ(as_text(m->tlvs.find(tag::message_payload)->value), "test");
  ASSERT_EQ(m.notes.count(), 1u);
  EXPECT_EQ(m.notes.kept()[0].kind, diagnostic_kind::ambiguous_message);
  EXPECT_EQ(m.notes.kept()[0].offset, 67u);
  expect_encodes_back(m);
}

TEST(SubmitSm, KeepsVendorTlvs) {
  const auto m = decode_vector<submit_sm>("submit_sm_vendor_tlv");
  EXPECT_EQ(m->source_addr_ton, ton::alphanumeric);
  EXPECT_EQ(m->source_addr, "Jojos");
  EXPECT_EQ(m->destination_addr, "573188308129");
  EXPECT_EQ(m->esm_class, esm::mode_store_and_forward);
  EXPECT_EQ(m->schedule_delivery_time, "");
  EXPECT_EQ(m->validity_period, "151110145607000+");
  EXPECT_EQ(m->registered_delivery, registered::final_receipt);
  EXPECT_EQ(m->data_coding, 0xf1);
  EXPECT_EQ(m->short_message, "PLEASE IGNORE THIS MESSAGE");
  EXPECT_EQ(as_text(m->tlvs.find(static_cast<tag>(0x1403))->value), "38636");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(SubmitSm, RefusesALengthThatCutsTheMessage) {
  const auto octets = test::read_hex("smpp/submit_sm_length_too_short.hex");
  const auto m = decode(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::message_too_long);
  EXPECT_EQ(m.error().field, "short_message");
  EXPECT_EQ(m.error().offset, 55u);
  EXPECT_EQ(status_for(m.error()), command_status::invalid_message_length);
  EXPECT_EQ(*frame_length(octets), 60u);  // framing is intact: the session goes on
}

TEST(SubmitSmResp, DecodesTheMessageId) {
  const auto m = decode_vector<submit_sm_resp>("submit_sm_resp_basic");
  EXPECT_EQ(m.head.sequence, 0x0a342ee1u);
  EXPECT_EQ(m->message_id, "94258431594");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(SubmitSmResp, AcceptsSuccessWithoutABody) {
  const auto m = decode_vector<submit_sm_resp>("submit_sm_resp_no_body");
  EXPECT_EQ(m.head.status, command_status::ok);
  EXPECT_EQ(m->message_id, "");
  EXPECT_EQ(test::kinds(m.notes), std::vector{diagnostic_kind::missing_fields});
}

TEST(SubmitSmResp, AcceptsFailureWithoutABody) {
  const auto m = decode_vector<submit_sm_resp>("submit_sm_resp_throttled");
  EXPECT_EQ(m.head.status, command_status::throttled);
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(SubmitSmResp, KeepsTheBodyOfAFailure) {
  const auto m = decode_vector<submit_sm_resp>("submit_sm_resp_error_with_body");
  EXPECT_EQ(m.head.status, command_status::invalid_source_address);
  EXPECT_EQ(m->message_id, "00000000");
  expect_encodes_back(m);
}

TEST(SubmitSmResp, AcceptsCongestionState) {
  const auto m = decode_vector<submit_sm_resp>("submit_sm_resp_congestion_state");
  EXPECT_EQ(m->message_id, "34f0ac1b-a11d-417b-870b-feb045cfdc33");
  EXPECT_EQ(m->tlvs.find_integer(tag::congestion_state), 0u);
  expect_encodes_back(m);
}

TEST(SubmitSmResp, AcceptsAMessageIdWithoutItsNul) {
  auto octets = test::read_hex("smpp/submit_sm_resp_basic.hex");
  octets.pop_back();
  octets[3] = static_cast<std::uint8_t>(octets.size());
  diagnostics notes;
  const auto m = decode_as<submit_sm_resp>(octets, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->message_id, "94258431594");
  EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::missing_terminator});
}

TEST(SubmitSmResp, AcceptsALongMessageId) {
  const std::string id(100, '7');
  byte_vector octets;
  ASSERT_EQ(encode(submit_sm_resp{.message_id = id}, 1, octets).error().code, errc::field_too_long);
  ASSERT_TRUE(encode(submit_sm_resp{.message_id = id}, 1, octets, command_status::ok, length_limits::tolerated));
  diagnostics notes;
  const auto m = decode_as<submit_sm_resp>(octets, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->message_id, id);
  EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::field_too_long});
}

}  // namespace
}  // namespace msgkit::smpp
