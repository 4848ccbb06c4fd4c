#include "msgkit/smpp/pdu/version_3_3.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;
using test::kinds;

TEST(ParamRetrieve, DecodesEveryField) {
  const auto m = decode_vector<param_retrieve>("param_retrieve_basic");
  EXPECT_EQ(m->param_name, "smsc_alias");
  expect_encodes_back(m);
}

TEST(ParamRetrieveResp, DecodesEveryField) {
  const auto m = decode_vector<param_retrieve_resp>("param_retrieve_resp_basic");
  EXPECT_EQ(m->param_value, "centre-1");
  expect_encodes_back(m);
}

TEST(QueryLastMsgs, DecodesEveryField) {
  const auto m = decode_vector<query_last_msgs>("query_last_msgs_basic");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::isdn);
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(m->no_of_msgs, 3);
  expect_encodes_back(m);
}

TEST(QueryLastMsgsResp, DecodesTheIds) {
  const auto m = decode_vector<query_last_msgs_resp>("query_last_msgs_resp_basic");
  std::vector<std::string_view> ids;
  for (const auto& each : m->messages) ids.push_back(each.message_id);
  EXPECT_EQ(ids, (std::vector<std::string_view>{"0001f3a0", "0001f3a1", "2b"}));
  expect_encodes_back(m);
}

TEST(QueryLastMsgsResp, KeepsTheWholeIdsOfAFailureThatIsCutOff) {
  auto octets = test::read_hex("smpp/query_last_msgs_resp_basic.hex");
  octets[11] = 0x08;  // ESME_RSYSERR
  octets.resize(octets.size() - 5);
  store_big(octets.data(), static_cast<std::uint32_t>(octets.size()));
  diagnostics notes;
  const auto m = decode(octets, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::get<query_last_msgs_resp>(*m).messages.size(), 1);
  EXPECT_EQ(kinds(notes), (std::vector{diagnostic_kind::missing_fields}));
}

TEST(QueryMsgDetails, DecodesEveryField) {
  const auto m = decode_vector<query_msg_details>("query_msg_details_basic");
  EXPECT_EQ(m->message_id, "0001f3a1");
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(m->sm_length, 20);
  expect_encodes_back(m);
}

TEST(QueryMsgDetailsResp, DecodesEveryField) {
  const auto m = decode_vector<query_msg_details_resp>("query_msg_details_resp_basic");
  EXPECT_EQ(m->service_type, "CMT");
  EXPECT_EQ(m->source_addr, "447700900123");
  ASSERT_EQ(m->dest_addresses.size(), 2);
  EXPECT_EQ(m->dest_addresses.begin()->destination_addr, "447700900999");
  EXPECT_EQ(std::next(m->dest_addresses.begin())->dl_name, "friends");
  EXPECT_EQ(m->protocol_id, 0);
  EXPECT_EQ(m->priority_flag, 1);
  EXPECT_EQ(m->schedule_delivery_time, "");
  EXPECT_EQ(m->validity_period, "000002000000000R");
  EXPECT_EQ(m->registered_delivery, registered::final_receipt);
  EXPECT_EQ(m->data_coding, 0);
  EXPECT_EQ(m->short_message, "hello");
  EXPECT_EQ(m->message_id, "0001f3a1");
  EXPECT_EQ(m->final_date, "260102030405012+");
  EXPECT_EQ(static_cast<int>(m->message_state), 2);
  EXPECT_EQ(m->error_code, 0);
  expect_encodes_back(m);
}

TEST(Version33, MessageIdsHaveAtMostEightDigits) {
  byte_vector out;
  EXPECT_TRUE(encode(query_msg_details{.message_id = "ffffffff"}, 1, out));
  const auto refused = encode(query_msg_details{.message_id = "fffffffff"}, 1, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::field_too_long);
  EXPECT_EQ(refused.error().field, "message_id");
}

}  // namespace
}  // namespace msgkit::smpp
