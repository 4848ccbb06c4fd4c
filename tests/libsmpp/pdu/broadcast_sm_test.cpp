#include "msgkit/smpp/pdu/broadcast_sm.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(BroadcastSm, DecodesEveryField) {
  const auto m = decode_vector<broadcast_sm>("broadcast_sm_basic");
  EXPECT_EQ(m->service_type, "CBS");
  EXPECT_EQ(m->source_addr_ton, ton::alphanumeric);
  EXPECT_EQ(m->source_addr_npi, npi::unknown);
  EXPECT_EQ(m->source_addr, "Sender");
  EXPECT_EQ(m->message_id, "old-1");
  EXPECT_EQ(m->priority_flag, 1);
  EXPECT_EQ(m->schedule_delivery_time, "");
  EXPECT_EQ(m->validity_period, "000000010000000R");
  EXPECT_EQ(m->replace_if_present_flag, 1);
  EXPECT_EQ(m->data_coding, 15);
  EXPECT_EQ(m->sm_default_msg_id, 3);
  std::vector<std::string_view> areas;
  for (const auto& each : m->tlvs)
    if (each.tag == tag::broadcast_area_identifier) areas.push_back(as_text(each.value));
  EXPECT_EQ(areas, (std::vector<std::string_view>{{"\0area", 5}, {"\0other", 6}}));
  EXPECT_EQ(to_hex(m->tlvs.find(tag::broadcast_content_type)->value), "010002");
  EXPECT_EQ(m->tlvs.find_integer(tag::broadcast_rep_num), 5u);
  EXPECT_EQ(to_hex(m->tlvs.find(tag::broadcast_frequency_interval)->value), "09000a");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(BroadcastSmResp, DecodesTheErrorStatus) {
  const auto m = decode_vector<broadcast_sm_resp>("broadcast_sm_resp_basic");
  EXPECT_EQ(m->message_id, "bc-1");
  EXPECT_EQ(m->tlvs.find_integer(tag::broadcast_error_status), 0x10au);
  expect_encodes_back(m);
}

TEST(QueryBroadcastSm, DecodesEveryField) {
  const auto m = decode_vector<query_broadcast_sm>("query_broadcast_sm_basic");
  EXPECT_EQ(m->message_id, "bc-1");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::isdn);
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(m->tlvs.find_integer(tag::user_message_reference), 7u);
  expect_encodes_back(m);
}

TEST(QueryBroadcastSmResp, DecodesStateAndAreas) {
  const auto m = decode_vector<query_broadcast_sm_resp>("query_broadcast_sm_resp_basic");
  EXPECT_EQ(m->message_id, "bc-1");
  EXPECT_EQ(m->tlvs.find_integer(tag::message_state), 2u);
  EXPECT_EQ(m->tlvs.find_integer(tag::broadcast_area_success), 100u);
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(CancelBroadcastSm, DecodesEveryField) {
  const auto m = decode_vector<cancel_broadcast_sm>("cancel_broadcast_sm_basic");
  EXPECT_EQ(m->service_type, "CBS");
  EXPECT_EQ(m->message_id, "bc-1");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::isdn);
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(to_hex(m->tlvs.find(tag::broadcast_content_type)->value), "010002");
  expect_encodes_back(m);
}

}  // namespace
}  // namespace msgkit::smpp
