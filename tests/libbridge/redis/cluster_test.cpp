#include "msgkit/bridge/redis/cluster.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace msgkit::bridge::redis {
namespace {

const node_address asked{"10.0.0.9", 7000};

struct answered {
  explicit answered(std::string_view reply) { d.feed(as_bytes(reply)); }
  result<void> to(cluster_map& m) {
    const auto v = d.next();
    return m.learn(**v, asked);
  }
  decoder d;
};

std::string row(int first, int last, std::string_view host, int port) {
  const auto h = host == "(null)" ? std::string("$-1\r\n")
                                  : "$" + std::to_string(host.size()) + "\r\n" + std::string(host) + "\r\n";
  return "*3\r\n:" + std::to_string(first) + "\r\n:" + std::to_string(last) + "\r\n*4\r\n" + h + ":" +
         std::to_string(port) + "\r\n$2\r\nid\r\n*0\r\n";
}

TEST(RedisCluster, LearnsWhoOwnsWhichSlot) {
  cluster_map m;
  EXPECT_FALSE(m.is_known());
  EXPECT_EQ(m.owner(0), nullptr);
  answered reply("*3\r\n" + row(0, 99, "10.0.0.1", 7001) + row(100, 16'383, "10.0.0.2", 7002) +
                 row(50, 50, "::1", 7003));
  ASSERT_TRUE(reply.to(m));
  EXPECT_EQ(m.nodes().size(), 3u);
  EXPECT_EQ(*m.owner(0), (node_address{"10.0.0.1", 7001}));
  EXPECT_EQ(*m.owner(16'383), (node_address{"10.0.0.2", 7002}));
  EXPECT_EQ(to_string(*m.owner(50)), "[::1]:7003");
  EXPECT_EQ(m.owner(16'384), nullptr);
}

TEST(RedisCluster, ANodeWithoutAHostMeansItself) {
  for (const auto host : {"", "(null)"}) {
    cluster_map m;
    answered reply("*1\r\n" + row(0, 16'383, host, 7001));
    ASSERT_TRUE(reply.to(m));
    EXPECT_EQ(*m.owner(7), (node_address{"10.0.0.9", 7001}));
  }
}

TEST(RedisCluster, LeavesOutNodesThatAreNotKnownYet) {
  cluster_map m;
  answered reply("*2\r\n" + row(0, 99, "?", 7001) + row(100, 16'383, "h", 7002));
  ASSERT_TRUE(reply.to(m));
  EXPECT_EQ(m.owner(0), nullptr);
  EXPECT_EQ(m.nodes().size(), 1u);
}

TEST(RedisCluster, KeepsWhatItKnowsWhenAnAnswerMakesNoSense) {
  cluster_map m;
  ASSERT_TRUE(answered("*1\r\n" + row(0, 16'383, "h", 7001)).to(m));
  std::string many = "*1001\r\n";
  for (int i = 0; i < 1'001; ++i) many += row(i, i, "h", 8000 + i);
  for (const auto& bad :
       {std::string("-ERR cluster support disabled\r\n"), std::string("*0\r\n"), std::string(":1\r\n"),
        "*1\r\n" + row(5, 4, "h", 1), "*1\r\n" + row(0, 16'384, "h", 1), "*1\r\n" + row(-1, 4, "h", 1),
        "*1\r\n" + row(0, 1, "h", 65'536), std::string("*1\r\n*2\r\n:1\r\n:2\r\n"), many}) {
    EXPECT_FALSE(answered(bad).to(m)) << bad.substr(0, 40);
    EXPECT_EQ(*m.owner(9), (node_address{"h", 7001}));
  }
}

TEST(RedisCluster, MovedChangesTheOwnerAndAskDoesNot) {
  cluster_map m;
  ASSERT_TRUE(answered("*1\r\n" + row(0, 16'383, "h", 7001)).to(m));
  redirect r;
  ASSERT_TRUE(parse_redirect("ASK 9 h2:7002", r));
  EXPECT_EQ(m.follow(r, asked), (node_address{"h2", 7002}));
  EXPECT_EQ(*m.owner(9), (node_address{"h", 7001}));
  ASSERT_TRUE(parse_redirect("MOVED 9 :7002", r));
  EXPECT_EQ(m.follow(r, asked), (node_address{"10.0.0.9", 7002}));
  EXPECT_EQ(*m.owner(9), (node_address{"10.0.0.9", 7002}));
  EXPECT_EQ(*m.owner(10), (node_address{"h", 7001}));
}

TEST(RedisCluster, ARedirectToNoPortIsNone) {
  redirect r;
  for (const auto* text : {"MOVED 9 h:0", "MOVED 9 h", "MOVED 16384 h:1", "MOVED h:1", "ASK 9 h:65536"})
    EXPECT_FALSE(parse_redirect(text, r)) << text;
}

TEST(RedisCluster, NeverHoldsMoreNodesThanItMay) {
  cluster_map m;
  for (std::uint16_t i = 0; i < 2'000; ++i)
    (void)m.follow({.slot = i, .host = "h", .port = static_cast<std::uint16_t>(i + 1)}, asked);
  EXPECT_EQ(m.nodes().size(), cluster_map::nodes_max);
  EXPECT_EQ(m.owner(1'500), nullptr);
}

}  // namespace
}  // namespace msgkit::bridge::redis
