#include "msgkit/smpp/pdu/alert_notification.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(AlertNotification, DecodesEveryFieldAndIgnoresItsStatus) {
  const auto m = decode_vector<alert_notification>("alert_notification_status");
  EXPECT_EQ(m.head.sequence, 0x4fe8u);
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::isdn);
  EXPECT_EQ(m->source_addr, "5552710000");
  EXPECT_EQ(m->esme_addr_ton, ton::international);
  EXPECT_EQ(m->esme_addr_npi, npi::isdn);
  EXPECT_EQ(m->esme_addr, "40404");
  EXPECT_EQ(test::kinds(m.notes), std::vector{diagnostic_kind::status_in_request});
  expect_encodes_back(m);
}

TEST(AlertNotification, CarriesAvailability) {
  tlv_builder available;
  available.add_u8(tag::ms_availability_status, 1);
  byte_vector octets;
  ASSERT_TRUE(encode(alert_notification{.source_addr = "1", .tlvs = available.list()}, 1, octets));
  EXPECT_EQ(decode_as<alert_notification>(octets)->tlvs.find_integer(tag::ms_availability_status), 1u);
}

}  // namespace
}  // namespace msgkit::smpp
