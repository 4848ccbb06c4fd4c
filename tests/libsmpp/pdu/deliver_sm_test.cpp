#include "msgkit/smpp/pdu/short_message.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(DeliverSm, ClampsTheTlvThatAReceiptCutsOff) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_receipt_cut_tlv");
  EXPECT_TRUE(is_receipt(m->esm_class));
  EXPECT_EQ(m->source_addr, "2348033768151");
  EXPECT_EQ(m->dest_addr_ton, ton::alphanumeric);
  EXPECT_EQ(m->destination_addr, "VANSO");
  EXPECT_TRUE(m->short_message.ends_with("err:000 te"));
  EXPECT_EQ(m->tlvs.find_integer(tag::message_state), 2u);
  EXPECT_EQ(m->tlvs.find_cstring(tag::receipted_message_id), "3005");
  EXPECT_EQ(test::kinds(m.notes), std::vector{diagnostic_kind::truncated_tlv});
  EXPECT_EQ(m.notes.kept()[0].offset, m.octets.size() - 9);

  byte_vector again;  // written with the length it really has
  ASSERT_TRUE(encode(m.body, m.head.sequence, again));
  auto expected = m.octets;
  expected[expected.size() - 6] = 5;
  EXPECT_EQ(to_hex(again), to_hex(expected));
}

TEST(DeliverSm, DecodesReceiptTlvs) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_receipt_tlvs");
  EXPECT_EQ(m->service_type, "1.000");
  EXPECT_EQ(m->source_addr, "2449355550");
  EXPECT_EQ(m->destination_addr, "ZAP");
  EXPECT_EQ(as_text(m->tlvs.find(tag::network_error_code)->value), "000");
  EXPECT_EQ(m->tlvs.find_integer(tag::message_state), 5u);
  EXPECT_EQ(m->tlvs.find_cstring(tag::receipted_message_id), "6a3ed98a66444e8abac3acd9bba8656f");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(DeliverSm, AcceptsAnEmptyPayloadAndForeignTlvs) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_empty_payload");
  EXPECT_EQ(m->source_addr, "4495136192");
  EXPECT_EQ(m->source_addr_ton, ton::national);
  EXPECT_EQ(static_cast<int>(m->dest_addr_npi), 9);
  EXPECT_EQ(m->destination_addr, "40404");
  EXPECT_EQ(m->short_message, "");
  EXPECT_EQ(m->tlvs.find_integer(tag::source_network_type), 1u);
  EXPECT_EQ(m->tlvs.find_integer(tag::dest_network_type), 1u);
  ASSERT_TRUE(m->tlvs.find(tag::message_payload));
  EXPECT_TRUE(m->tlvs.find(tag::message_payload)->value.empty());
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(DeliverSm, EchoesASequenceNumberAboveTheRange) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_sequence_above_range");
  EXPECT_EQ(m.head.sequence, 0x806a179bu);
  EXPECT_EQ(to_hex(as_bytes(m->short_message)), "c1e1e9edf3faf1fc");
  byte_vector answer;
  ASSERT_TRUE(encode(deliver_sm_resp{}, m.head.sequence, answer));
  EXPECT_EQ(to_hex(answer), "000000118000000500000000806a179b00");
}

TEST(DeliverSm, DecodesAPartOfALongMessage) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_ucs2_part");
  EXPECT_EQ(m->service_type, "abc");
  EXPECT_EQ(static_cast<int>(m->source_addr_ton), 28);
  EXPECT_EQ(static_cast<int>(m->source_addr_npi), 29);
  EXPECT_EQ(m->source_addr, "Alicer");
  EXPECT_EQ(static_cast<int>(m->dest_addr_ton), 30);
  EXPECT_EQ(static_cast<int>(m->dest_addr_npi), 31);
  EXPECT_EQ(m->destination_addr, "Bobo");
  EXPECT_EQ(m->esm_class, 0x4d);
  EXPECT_EQ(m->protocol_id, 0x63);
  EXPECT_EQ(m->priority_flag, 0x3d);
  EXPECT_EQ(m->registered_delivery, 0x53);
  EXPECT_EQ(m->data_coding, 8);
  EXPECT_EQ(m->short_message.size(), 0x36u);
  expect_encodes_back(m);
}

TEST(DeliverSm, AcceptsATlvThatDoesNotBelong) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_unexpected_tlv");
  EXPECT_EQ(m->source_addr, "test");
  EXPECT_EQ(m->destination_addr, "16777");
  EXPECT_EQ(m->short_message, "hello");
  EXPECT_EQ(m->tlvs.find_integer(tag::qos_time_to_live), 0x6665d425u);
  expect_encodes_back(m);
}

TEST(DeliverSm, AcceptsAnOddTimeAndNotesIt) {
  byte_vector octets;
  ASSERT_TRUE(encode(deliver_sm{.validity_period = "1511101456"}, 1, octets, command_status::ok,
                     length_limits::tolerated));
  diagnostics notes;
  const auto m = decode_as<deliver_sm>(octets, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->validity_period, "1511101456");
  EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::invalid_time_length});
}

TEST(DeliverSm, AcceptsAUserDataHeaderThatDoesNotFitAndNotesIt) {
  byte_vector octets;
  ASSERT_TRUE(encode(deliver_sm{.esm_class = 0x44, .short_message = "\x05hi"}, 1, octets));
  diagnostics notes;
  ASSERT_TRUE(decode_as<deliver_sm>(octets, &notes));
  EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::user_data_header_invalid});
}

TEST(DeliverSmResp, AcceptsEveryFormOfItsBody) {
  const auto empty = decode_vector<deliver_sm_resp>("deliver_sm_resp_basic");
  EXPECT_EQ(empty->message_id, "");
  EXPECT_EQ(empty.notes.count(), 0u);
  expect_encodes_back(empty);

  byte_vector filled;
  ASSERT_TRUE(encode(deliver_sm_resp{.message_id = "94258431594"}, 1, filled));
  EXPECT_EQ(filled.size(), 28u);
  EXPECT_EQ(decode_as<deliver_sm_resp>(filled)->message_id, "94258431594");

  byte_vector absent(empty.octets.begin(), empty.octets.begin() + 16);
  absent[3] = 16;
  EXPECT_EQ(decode_as<deliver_sm_resp>(absent)->message_id, "");
}

}  // namespace
}  // namespace msgkit::smpp
