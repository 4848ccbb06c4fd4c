#include "msgkit/smpp/pdu/submit_multi.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(SubmitMulti, DecodesEveryField) {
  const auto m = decode_vector<submit_multi>("submit_multi_basic");
  EXPECT_EQ(m->service_type, "CMT");
  EXPECT_EQ(m->source_addr_ton, ton::alphanumeric);
  EXPECT_EQ(m->source_addr_npi, npi::unknown);
  EXPECT_EQ(m->source_addr, "Sender");
  ASSERT_EQ(m->dest_addresses.size(), 2u);
  const std::vector<dest_address> to(m->dest_addresses.begin(), m->dest_addresses.end());
  ASSERT_EQ(to.size(), 2u);
  EXPECT_EQ(to[0], (dest_address{.dest_addr_ton = ton::international,
                                 .dest_addr_npi = npi::isdn,
                                 .destination_addr = "447700900123"}));
  EXPECT_EQ(to[1], (dest_address{.dest_flag = dest_address::distribution_list, .dl_name = "friends"}));
  EXPECT_EQ(m->esm_class, 3);
  EXPECT_EQ(m->protocol_id, 0x7f);
  EXPECT_EQ(m->priority_flag, 2);
  EXPECT_EQ(m->schedule_delivery_time, "");
  EXPECT_EQ(m->validity_period, "000002000000000R");
  EXPECT_EQ(m->registered_delivery, 1);
  EXPECT_EQ(m->replace_if_present_flag, 0);
  EXPECT_EQ(m->data_coding, 4);
  EXPECT_EQ(m->sm_default_msg_id, 6);
  EXPECT_EQ(m->short_message, "hi");
  EXPECT_EQ(m->tlvs.find_integer(tag::user_message_reference), 1u);
  expect_encodes_back(m);
}

TEST(SubmitMulti, NeedsADestination) {
  byte_vector octets;
  EXPECT_EQ(encode(submit_multi{}, 1, octets).error().field, "number_of_dests");
  octets = test::read_hex("smpp/submit_multi_basic.hex");
  octets[29] = 0;
  const auto m = decode(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().field, "number_of_dests");
  EXPECT_EQ(m.error().offset, 29u);
  EXPECT_EQ(status_for(m.error()), command_status::invalid_number_of_destinations);
}

TEST(SubmitMulti, RefusesAnUnknownDestinationFlag) {
  auto octets = test::read_hex("smpp/submit_multi_basic.hex");
  ASSERT_EQ(octets[30], 1);
  for (const unsigned flag : {0u, 3u, 255u}) {
    octets[30] = static_cast<std::uint8_t>(flag);
    const auto m = decode(octets);
    ASSERT_FALSE(m);
    EXPECT_EQ(m.error().code, errc::destination_flag_invalid);
    EXPECT_EQ(m.error().offset, 30u);
    EXPECT_EQ(status_for(m.error()), command_status::invalid_destination_flag);
  }
}

TEST(SubmitMultiResp, DecodesFailures) {
  const auto m = decode_vector<submit_multi_resp>("submit_multi_resp_failures");
  EXPECT_EQ(m->message_id, "football");
  const std::vector<unsuccess_sme> failed(m->unsuccess_smes.begin(), m->unsuccess_smes.end());
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(static_cast<int>(failed[0].dest_addr_ton), 0x26);
  EXPECT_EQ(static_cast<int>(failed[0].dest_addr_npi), 0x21);
  EXPECT_EQ(failed[0].destination_addr, "Bob1");
  EXPECT_EQ(failed[0].error_status_code, 0x13u);
  EXPECT_EQ(failed[1].destination_addr, "Bob2");
  EXPECT_EQ(failed[1].error_status_code, 0x14u);
  expect_encodes_back(m);
}

TEST(SubmitMultiResp, KeepsTheWholeElementsOfAFailureThatIsCutOff) {
  auto octets = test::read_hex("smpp/submit_multi_resp_failures.hex");
  octets.resize(octets.size() - 2);
  octets[3] = static_cast<std::uint8_t>(octets.size());
  EXPECT_EQ(decode(octets).error().field, "error_status_code");
  octets[11] = 0x45;
  const auto m = decode_as<submit_multi_resp>(octets);
  ASSERT_TRUE(m);
  ASSERT_EQ(m->unsuccess_smes.size(), 1u);
  EXPECT_EQ(m->unsuccess_smes.begin()->destination_addr, "Bob1");
  byte_vector again;
  ASSERT_TRUE(encode(*m, 13, again, command_status::submit_failed));
  EXPECT_EQ(*decode_as<submit_multi_resp>(again), *m);
}

TEST(SubmitMultiResp, ReadsLongAddressesInItsListToo) {
  byte_vector octets;
  ASSERT_TRUE(encode(submit_multi_resp{.message_id = "1"}, 1, octets));
  octets.back() = 1;  // no_unsuccess
  append(octets, std::string_view("\1\1", 2));
  append(octets, std::string(30, '4'));
  append(octets, std::string_view("\0\0\0\0\x0b", 5));
  octets[3] = static_cast<std::uint8_t>(octets.size());
  const auto m = decode_as<submit_multi_resp>(octets);
  ASSERT_TRUE(m);
  ASSERT_NE(m->unsuccess_smes.begin(), m->unsuccess_smes.end());
  EXPECT_EQ(m->unsuccess_smes.begin()->destination_addr, std::string(30, '4'));
  EXPECT_EQ(m->unsuccess_smes.begin()->error_status_code, 0x0bu);
}

}  // namespace
}  // namespace msgkit::smpp
