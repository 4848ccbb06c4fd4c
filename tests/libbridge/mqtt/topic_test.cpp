#include "msgkit/bridge/mqtt/topic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace msgkit::bridge::mqtt {
namespace {

TEST(Topic, FilterKeepsWildcardsToWholeLevels) {
  for (const auto* good : {"a", "/", "+", "#", "a/+/b", "a/#", "+/+", "a//b", "/a"}) EXPECT_TRUE(is_topic_filter(good)) << good;
  for (const auto* bad : {"", "a+", "a/#/b", "#a", "a/b#", "+a/b"}) EXPECT_FALSE(is_topic_filter(bad)) << bad;
  EXPECT_FALSE(is_topic_filter(std::string(65'536, 'a')));
  EXPECT_FALSE(is_topic_filter(std::string_view("a\0b", 3)));
}

TEST(Topic, MatchesByLevel) {
  EXPECT_TRUE(matches("a/+/c", "a/b/c"));
  EXPECT_TRUE(matches("a/+/c", "a//c"));
  EXPECT_FALSE(matches("a/+", "a/b/c"));
  EXPECT_FALSE(matches("a/+", "a"));
  EXPECT_TRUE(matches("a/#", "a"));
  EXPECT_TRUE(matches("a/#", "a/b/c"));
  EXPECT_TRUE(matches("#", "a/b"));
  EXPECT_FALSE(matches("#", "$SYS/x"));
  EXPECT_FALSE(matches("+/x", "$SYS/x"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/x"));
  EXPECT_FALSE(matches("a/b", "a/bc"));
}

TEST(Topic, SplitsSharedSubscriptions) {
  shared_filter parts;
  ASSERT_TRUE(split_shared("$share/gw/a/+", parts));
  EXPECT_EQ(parts.group, "gw");
  EXPECT_EQ(parts.filter, "a/+");
  for (const auto* bad : {"$share/", "$share/gw", "$share//a", "$share/g+/a", "$share/gw/"}) EXPECT_FALSE(split_shared(bad, parts)) << bad;
}

}  // namespace
}  // namespace msgkit::bridge::mqtt
