#include "msgkit/smpp/pdu/bind.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(Bind, DecodesATransceiver) {
  const auto m = decode_vector<bind_transceiver>("bind_transceiver_basic");
  EXPECT_EQ(m.head.sequence, 0x39951u);
  EXPECT_EQ(m->system_id, "ALL_TW");
  EXPECT_EQ(m->password, "ALL_TW");
  EXPECT_EQ(m->system_type, "");
  EXPECT_EQ(m->interface_version, 0x34);
  EXPECT_EQ(m->addr_ton, ton::international);
  EXPECT_EQ(static_cast<int>(m->addr_npi), 2);
  EXPECT_EQ(m->address_range, "");
  EXPECT_EQ(m.notes.count(), 0u);
  expect_encodes_back(m);
}

TEST(Bind, DecodesATransmitter) {
  const auto m = decode_vector<bind_transmitter>("bind_transmitter_basic");
  EXPECT_EQ(m->system_id, "smppclient1");
  EXPECT_EQ(m->password, "secret08");
  EXPECT_EQ(m->system_type, "CMT");
  EXPECT_EQ(m->interface_version, 0x50);
  EXPECT_EQ(m->addr_ton, ton::international);
  EXPECT_EQ(m->addr_npi, npi::isdn);
  EXPECT_EQ(m->address_range, "^4477");
  expect_encodes_back(m);
}

TEST(Bind, PassesUnknownValuesOfAReceiverThrough) {
  const auto m = decode_vector<bind_receiver>("bind_receiver_odd_values");
  EXPECT_EQ(m->system_id, "system_id_fake");
  EXPECT_EQ(m->password, "password");
  EXPECT_EQ(m->system_type, "only");
  EXPECT_EQ(m->interface_version, 0x2c);
  EXPECT_EQ(static_cast<int>(m->addr_ton), 0x17);
  EXPECT_EQ(static_cast<int>(m->addr_npi), 0x65);
  EXPECT_EQ(m->address_range, "emptY");
  expect_encodes_back(m);
}

TEST(Bind, AcceptsALongPasswordAndSendsOneOnlyWhenTold) {
  const bind_transceiver m{.system_id = "esme", .password = "a password of 25 characters"};
  byte_vector octets;
  const auto refused = encode(m, 1, octets);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::field_too_long);
  EXPECT_EQ(refused.error().field, "password");
  EXPECT_TRUE(octets.empty());

  ASSERT_TRUE(encode(m, 1, octets, command_status::ok, length_limits::tolerated));
  diagnostics notes;
  const auto decoded = decode_as<bind_transceiver>(octets, &notes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, m);
  ASSERT_EQ(test::kinds(notes), std::vector{diagnostic_kind::field_too_long});
  EXPECT_EQ(notes.kept()[0].field, "password");
  EXPECT_EQ(notes.kept()[0].offset, 21u);
}

TEST(Bind, RefusesAStringBeyondEveryTolerance) {
  byte_vector octets;
  ASSERT_TRUE(encode(bind_receiver{.system_id = "a"}, 1, octets));
  octets.insert(octets.begin() + 17, 300, 'b');
  store_big(octets.data(), static_cast<std::uint32_t>(octets.size()));
  const auto m = decode(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::missing_terminator);
  EXPECT_EQ(m.error().field, "system_id");
  EXPECT_EQ(status_for(m.error()), command_status::invalid_system_id);
}

TEST(Bind, KeepsTlvsThatAPeerAdds) {
  tlv_builder extra;
  extra.add_u8(tag::sc_interface_version, 0x50);
  byte_vector octets;
  ASSERT_TRUE(encode(bind_transmitter{.system_id = "a", .tlvs = extra.list()}, 1, octets));
  EXPECT_EQ(decode_as<bind_transmitter>(octets)->tlvs.find_integer(tag::sc_interface_version), 0x50u);
}

TEST(BindResp, DecodesTheInterfaceVersion) {
  const auto m = decode_vector<bind_transceiver_resp>("bind_transceiver_resp_version");
  EXPECT_EQ(m.head.sequence, 0x39943u);
  EXPECT_EQ(m->system_id, "Smsc GW");
  EXPECT_EQ(m->tlvs.find_integer(tag::sc_interface_version), 0x34u);
  expect_encodes_back(m);
}

TEST(BindResp, DecodesCongestionState) {
  const auto m = decode_vector<bind_transmitter_resp>("bind_transmitter_resp_basic");
  EXPECT_EQ(m->system_id, "mc");
  EXPECT_EQ(m->tlvs.find_integer(tag::sc_interface_version), 0x50u);
  EXPECT_EQ(m->tlvs.find_integer(tag::congestion_state), 30u);
  expect_encodes_back(m);
}

TEST(BindResp, AcceptsAFailureWithASingleNul) {
  const auto m = decode_vector<bind_transceiver_resp>("bind_transceiver_resp_error_nul");
  EXPECT_EQ(m.head.status, command_status::invalid_system_type);
  EXPECT_EQ(m->system_id, "");
  EXPECT_EQ(m.notes.count(), 0u);
}

TEST(BindResp, AcceptsAFailureWithoutABody) {
  const auto m = decode_vector<bind_receiver_resp>("bind_receiver_resp_failed");
  EXPECT_EQ(m.head.status, command_status::invalid_password);
  expect_encodes_back(m);
}

}  // namespace
}  // namespace msgkit::smpp
