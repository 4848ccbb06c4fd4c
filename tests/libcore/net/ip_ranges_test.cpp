#include "msgkit/core/net/ip_ranges.hpp"

#include <gtest/gtest.h>

namespace msgkit {
namespace {

ip_ranges ranges(const std::vector<std::string>& texts) {
  auto parsed = ip_ranges::parse(texts);
  EXPECT_TRUE(parsed);
  return parsed ? *parsed : ip_ranges{};
}

TEST(IpRanges, ContainWhatSharesTheirPrefix) {
  const auto r = ranges({"192.0.2.0/25", "198.51.100.7", "2001:db8:1::/47"});
  for (const auto* inside :
       {"192.0.2.0", "192.0.2.127", "198.51.100.7", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8:1:ffff::"})
    EXPECT_TRUE(r.contains(inside)) << inside;
  for (const auto* outside : {"192.0.2.128", "198.51.100.8", "2001:db8:2::", "::192.0.2.1", "not an address", ""})
    EXPECT_FALSE(r.contains(outside)) << outside;
}

TEST(IpRanges, AWholeFamilyIsOneRange) {
  EXPECT_TRUE(ranges({"0.0.0.0/0"}).contains("203.0.113.9"));
  EXPECT_FALSE(ranges({"0.0.0.0/0"}).contains("2001:db8::1"));
  EXPECT_TRUE(ranges({"::/0"}).contains("203.0.113.9"));
  EXPECT_FALSE(ip_ranges{}.contains("127.0.0.1"));
  EXPECT_TRUE(ip_ranges{}.empty());
}

TEST(IpRanges, NameTheTextTheyRefuse) {
  for (const auto* bad :
       {"", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8 ", "host", "fe80::1%1"}) {
    const auto parsed = ip_ranges::parse({"10.0.0.1", bad});
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().offset, 1u) << bad;
  }
}

TEST(PublicAddress, IsNothingSpecial) {
  for (const auto* yes :
       {"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "198.20.0.0",
        "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"})
    EXPECT_TRUE(is_public_address(asio::ip::make_address(yes))) << yes;
  for (const auto* no : {"0.0.0.0",
                         "0.1.2.3",
                         "10.1.2.3",
                         "100.64.0.1",
                         "127.0.0.1",
                         "127.255.255.255",
                         "169.254.169.254",
                         "172.16.0.1",
                         "172.31.255.255",
                         "192.0.0.8",
                         "192.0.2.1",
                         "192.168.1.1",
                         "198.18.0.1",
                         "198.19.255.255",
                         "198.51.100.1",
                         "203.0.113.1",
                         "224.0.0.1",
                         "240.0.0.1",
                         "255.255.255.255",
                         "::",
                         "::1",
                         "::127.0.0.1",
                         "::ffff:127.0.0.1",
                         "::ffff:169.254.169.254",
                         "64:ff9b::7f00:1",
                         "64:ff9b:1::1",
                         "2002:7f00:1::",
                         "2001:0:5ef5:79fd:0:0:80ff:fffe",
                         "2001:db8::1",
                         "fc00::1",
                         "fd12::1",
                         "fe80::1",
                         "fec0::1",
                         "ff02::1",
                         "100::1",
                         "3fff::1"})
    EXPECT_FALSE(is_public_address(asio::ip::make_address(no))) << no;
}

}  // namespace
}  // namespace msgkit
