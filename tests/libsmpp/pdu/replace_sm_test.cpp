#include "msgkit/smpp/pdu/replace_sm.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(ReplaceSm, DecodesEveryFieldAndBeginsWithTheMessageId) {
  const auto m = decode_vector<replace_sm>("replace_sm_basic");
  EXPECT_EQ(m->message_id, "00f3a1");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(static_cast<int>(m->source_addr_npi), 2);
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(m->schedule_delivery_time, "260102030405012+");
  EXPECT_EQ(m->validity_period, "");
  EXPECT_EQ(m->registered_delivery, 1);
  EXPECT_EQ(m->sm_default_msg_id, 9);
  EXPECT_EQ(m->short_message, "text");
  EXPECT_EQ(m->tlvs.find_integer(static_cast<tag>(0x1400)), 1u);
  expect_encodes_back(m);
}

}  // namespace
}  // namespace msgkit::smpp
