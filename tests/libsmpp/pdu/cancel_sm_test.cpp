#include "msgkit/smpp/pdu/cancel_sm.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(CancelSm, DecodesEveryField) {
  const auto m = decode_vector<cancel_sm>("cancel_sm_basic");
  EXPECT_EQ(m->service_type, "CMT");
  EXPECT_EQ(m->message_id, "00f3a1");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(static_cast<int>(m->source_addr_npi), 2);
  EXPECT_EQ(m->source_addr, "447700900123");
  EXPECT_EQ(m->dest_addr_ton, ton::network_specific);
  EXPECT_EQ(m->dest_addr_npi, npi::telex);
  EXPECT_EQ(m->destination_addr, "447700900456");
  expect_encodes_back(m);
}

}  // namespace
}  // namespace msgkit::smpp
