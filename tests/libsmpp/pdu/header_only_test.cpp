#include "msgkit/smpp/pdu/header_only.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(HeaderOnly, DecodesEnquireLink) {
  const auto m = decode_vector<enquire_link>("enquire_link_basic");
  EXPECT_EQ(m.head.sequence, 0x0a342ee7u);
  EXPECT_TRUE(m->tlvs.empty());
  expect_encodes_back(m);
}

TEST(HeaderOnly, KeepsCongestionStateOfAResponse) {
  const auto m = decode_vector<enquire_link_resp>("enquire_link_resp_congestion");
  EXPECT_EQ(m.head.sequence, 0x7fffffffu);
  EXPECT_EQ(m->tlvs.find_integer(tag::congestion_state), 99u);
  expect_encodes_back(m);
}

TEST(HeaderOnly, DecodesTheOthers) {
  expect_encodes_back(decode_vector<unbind>("unbind_basic"));
  expect_encodes_back(decode_vector<unbind_resp>("unbind_resp_basic"));
  expect_encodes_back(decode_vector<replace_sm_resp>("replace_sm_resp_basic"));
  expect_encodes_back(decode_vector<cancel_broadcast_sm_resp>("cancel_broadcast_sm_resp_basic"));

  const auto failed = decode_vector<cancel_sm_resp>("cancel_sm_resp_failed");
  EXPECT_EQ(failed.head.status, command_status::cancel_failed);
  expect_encodes_back(failed);

  const auto nack = decode_vector<generic_nack>("generic_nack_basic");
  EXPECT_EQ(nack.head.status, command_status::invalid_command_id);
  EXPECT_EQ(nack.head.sequence, 0u);
  expect_encodes_back(nack);
}

TEST(HeaderOnly, ToleratesUpToThreeOctetsOfPadding) {
  for (std::uint8_t padding = 1; padding < 4; ++padding) {
    auto octets = test::read_hex("smpp/enquire_link_basic.hex");
    octets.resize(octets.size() + padding);
    octets[3] = static_cast<std::uint8_t>(octets.size());
    diagnostics notes;
    const auto m = decode(octets, &notes);
    ASSERT_TRUE(m);
    ASSERT_EQ(test::kinds(notes), std::vector{diagnostic_kind::trailing_octets});
    EXPECT_EQ(notes.kept()[0].offset, 16u);
  }
}

}  // namespace
}  // namespace msgkit::smpp
