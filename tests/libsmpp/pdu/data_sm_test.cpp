#include "msgkit/smpp/pdu/data_sm.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(DataSm, DecodesEveryField) {
  const auto m = decode_vector<data_sm>("data_sm_every_field");
  EXPECT_EQ(m->service_type, "CMT");
  EXPECT_EQ(m->source_addr_ton, ton::national);
  EXPECT_EQ(m->source_addr_npi, npi::data);
  EXPECT_EQ(m->source_addr, std::string(64, '5'));
  EXPECT_EQ(m->dest_addr_ton, ton::international);
  EXPECT_EQ(m->dest_addr_npi, npi::isdn);
  EXPECT_EQ(m->destination_addr, "447700900123");
  EXPECT_EQ(m->esm_class, esm::udh_indicator);
  EXPECT_EQ(m->registered_delivery, 1);
  EXPECT_EQ(m->data_coding, 8);
  EXPECT_EQ(to_hex(m->tlvs.find(tag::message_payload)->value), "05000312020100480069");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

// Either side sends data_sm. A message whose TLVs are cut off has lost text; a receipt must not get lost.
TEST(DataSm, IsStrictAboutMessagesAndLenientAboutReceipts) {
  tlv_builder payload;
  payload.add_cstring(tag::message_payload, "the whole text");
  data_sm m{.destination_addr = "1", .tlvs = payload.list()};
  for (const bool is_a_receipt : {false, true}) {
    m.esm_class = is_a_receipt ? esm::delivery_receipt : std::uint8_t{0};
    byte_vector octets;
    ASSERT_TRUE(encode(m, 1, octets));
    octets.resize(octets.size() - 5);
    octets[3] = static_cast<std::uint8_t>(octets.size());
    diagnostics notes;
    const auto decoded = decode_as<data_sm>(octets, &notes);
    if (is_a_receipt) {
      ASSERT_TRUE(decoded);
      EXPECT_EQ(decoded->tlvs.find(tag::message_payload)->value.size(), 10u);
      EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::truncated_tlv});
    } else {
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, errc::tlv_stream_invalid);
      EXPECT_EQ(decoded.error().offset, 27u);
      EXPECT_EQ(status_for(decoded.error()), command_status::invalid_tlv_stream);
    }
  }
}

TEST(DataSmResp, DecodesTheReasonOfAFailure) {
  const auto m = decode_vector<data_sm_resp>("data_sm_resp_failed");
  EXPECT_EQ(m.head.status, command_status::delivery_failure);
  EXPECT_EQ(m->message_id, "id-5");
  EXPECT_EQ(m->tlvs.find_integer(tag::delivery_failure_reason), 3u);
  EXPECT_EQ(to_hex(m->tlvs.find(tag::network_error_code)->value), "030024");
  EXPECT_EQ(m->tlvs.find_cstring(tag::additional_status_info_text), "no route");
  expect_encodes_back(m);
}

}  // namespace
}  // namespace msgkit::smpp
