#include "common/forwarded.hpp"

#include <gtest/gtest.h>

namespace msgkit::app {
namespace {

http_request with(std::vector<std::string> forwarded) {
  http_request r;
  for (auto& value : forwarded) r.fields.push_back({"x-forwarded-for", std::move(value)});
  return r;
}

TEST(Forwarded, TheLastAddressThatIsNoProxyAsked) {
  const auto trusted = *ip_ranges::parse({"10.0.0.0/8", "2001:db8::/32"});
  EXPECT_EQ(requester_of(with({"192.0.2.7"}), "10.0.0.1:5", trusted), "192.0.2.7:0");
  EXPECT_EQ(requester_of(with({"198.51.100.1, 192.0.2.7, 10.0.0.9"}), "10.0.0.1:5", trusted), "192.0.2.7:0");
  EXPECT_EQ(requester_of(with({"198.51.100.1", "192.0.2.7", "10.0.0.9 "}), "[2001:db8::1]:5", trusted), "192.0.2.7:0");
  EXPECT_EQ(requester_of(with({"192.0.2.7:8080"}), "10.0.0.1:5", trusted), "192.0.2.7:0");
  EXPECT_EQ(requester_of(with({"[2a00::1]:80"}), "10.0.0.1:5", trusted), "[2a00::1]:0");
  EXPECT_EQ(requester_of(with({"2a00::1"}), "10.0.0.1:5", trusted), "[2a00::1]:0");
}

TEST(Forwarded, NobodyElseIsBelieved) {
  const auto trusted = *ip_ranges::parse({"10.0.0.0/8"});
  EXPECT_EQ(requester_of(with({"192.0.2.7"}), "192.0.2.1:5", trusted), "192.0.2.1:5");
  EXPECT_EQ(requester_of(with({"192.0.2.7"}), "10.0.0.1:5", {}), "10.0.0.1:5");
}

TEST(Forwarded, WhatCannotBeReadLeavesThePeer) {
  const auto trusted = *ip_ranges::parse({"10.0.0.0/8"});
  for (const auto* value : {"", "unknown", "192.0.2.7, _hidden", "10.0.0.2, 10.0.0.3", "[", ",", "1.2.3.4.5"})
    EXPECT_EQ(requester_of(with({value}), "10.0.0.1:5", trusted), "10.0.0.1:5") << value;
  EXPECT_EQ(requester_of(with({}), "10.0.0.1:5", trusted), "10.0.0.1:5");
}

}  // namespace
}  // namespace msgkit::app
