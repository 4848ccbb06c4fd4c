#include "msgkit/smpp/pdu/query_sm.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(QuerySm, DecodesEveryField) {
  const auto m = decode_vector<query_sm>("query_sm_basic");
  EXPECT_EQ(m->message_id, "00f3a1");
  EXPECT_EQ(m->source_addr_ton, ton::international);
  EXPECT_EQ(m->source_addr_npi, npi::isdn);
  EXPECT_EQ(m->source_addr, "447700900123");
  expect_encodes_back(m);
}

TEST(QuerySm, ReportsTheFieldWhereOctetsRunOut) {
  auto octets = test::read_hex("smpp/query_sm_unterminated.hex");
  ASSERT_EQ(*frame_length(octets), 30u);
  EXPECT_EQ(decode(octets).error().code, errc::truncated);  // the last octet has not arrived yet
  octets[3] = 29;
  const auto m = decode(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::truncated);
  EXPECT_EQ(m.error().field, "source_addr");
  EXPECT_EQ(m.error().offset, 23u);
  EXPECT_EQ(status_for(m.error()), command_status::invalid_command_length);
}

TEST(QuerySmResp, DecodesEveryField) {
  const auto m = decode_vector<query_sm_resp>("query_sm_resp_basic");
  EXPECT_EQ(m->message_id, "00f3a1");
  EXPECT_EQ(m->final_date, "260102030405012+");
  EXPECT_EQ(static_cast<int>(m->message_state), 2);
  EXPECT_EQ(m->error_code, 0x1f);
  expect_encodes_back(m);
}

TEST(QuerySmResp, MayEndAnywhereWhenItReportsAFailure) {
  const auto whole = test::read_hex("smpp/query_sm_resp_basic.hex");
  for (std::size_t length = header_bytes; length < whole.size(); ++length) {
    byte_vector octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    octets[3] = static_cast<std::uint8_t>(length);
    EXPECT_FALSE(decode(octets)) << length;
    octets[11] = 0x67;
    diagnostics notes;
    const auto failed = decode_as<query_sm_resp>(octets, &notes);
    ASSERT_TRUE(failed) << length;
    EXPECT_EQ(notes.count(), length == header_bytes ? 0u : 1u) << length;
    if (length > 22) {
      EXPECT_EQ(failed->message_id, "00f3a1") << length;
    }
  }
}

TEST(QuerySmResp, LeavesItsBodyOutOnlyWhenThereIsNothingToSay) {
  byte_vector octets;
  ASSERT_TRUE(encode(query_sm_resp{}, 1, octets, command_status::query_failed));
  EXPECT_EQ(octets.size(), header_bytes);
  octets.clear();
  const query_sm_resp m{.message_id = "7", .error_code = 3};
  ASSERT_TRUE(encode(m, 1, octets, command_status::query_failed));
  EXPECT_EQ(*decode_as<query_sm_resp>(octets), m);
}

}  // namespace
}  // namespace msgkit::smpp
