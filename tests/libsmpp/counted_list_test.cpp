#include "msgkit/smpp/counted_list.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {
namespace {

static_assert(std::forward_iterator<counted_list<dest_address>::iterator>);
static_assert(std::forward_iterator<tlv_list::iterator>);

TEST(CountedList, IteratesWhatWasAdded) {
  counted_list_builder<unsuccess_sme> b;
  EXPECT_EQ(b.list().begin(), b.list().end());
  ASSERT_TRUE(b.add({.destination_addr = "1", .error_status_code = 0x0b}));
  ASSERT_TRUE(b.add({.dest_addr_ton = ton::national, .destination_addr = "22", .error_status_code = 0xfe}));
  EXPECT_EQ(to_hex(b.list().encoded()), "000031000000000b" "02003232000000" "00fe");
  std::vector<unsuccess_sme> all;
  for (const auto& each : b.list()) all.push_back(each);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].destination_addr, "1");
  EXPECT_EQ(all[1].dest_addr_ton, ton::national);
  EXPECT_EQ(all[1].error_status_code, 0xfeu);
}

TEST(CountedList, HoldsTwoHundredFiftyFive) {
  counted_list_builder<dest_address> b;
  for (int i = 0; i < 255; ++i) ASSERT_TRUE(b.add({.destination_addr = "1"}));
  const auto refused = b.add({.destination_addr = "1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::value_out_of_range);
  EXPECT_EQ(b.list().size(), 255u);
  byte_vector octets;
  ASSERT_TRUE(encode(submit_multi{.dest_addresses = b.list()}, 1, octets));
  const auto m = decode_as<submit_multi>(octets);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::distance(m->dest_addresses.begin(), m->dest_addresses.end()), 255);
}

TEST(CountedList, StopsAtOctetsThatAreNoElement) {
  const auto octets = *from_hex("01010131 00 07");
  const counted_list<dest_address> list(octets, 2);
  EXPECT_EQ(std::distance(list.begin(), list.end()), 1);
}

TEST(CountedList, DecodesNothingFromNothing) {
  dest_address one;
  EXPECT_EQ(decode_element(bytes_view{}, one).error().code, errc::truncated);
}

}  // namespace
}  // namespace msgkit::smpp
