#include "connectors/slab.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

using msgkit::app::slab;

TEST(Slab, FindsWhatItHolds) {
  slab<std::string> s;
  const auto a = s.insert("a"), b = s.insert("b");
  ASSERT_NE(s.find(a), nullptr);
  EXPECT_EQ(*s.find(a), "a");
  EXPECT_EQ(*s.find(b), "b");
  EXPECT_EQ(s.size(), 2u);
}

TEST(Slab, ANumberThatWasTakenFindsNothing) {
  slab<std::string> s;
  const auto a = s.insert("a");
  EXPECT_EQ(s.take(a), "a");
  EXPECT_EQ(s.find(a), nullptr);
  EXPECT_EQ(s.take(a), std::nullopt);
  EXPECT_EQ(s.size(), 0u);
}

TEST(Slab, AStaleNumberDoesNotFindTheNextTenant) {
  slab<std::string> s;
  const auto a = s.insert("a");
  (void)s.take(a);
  const auto b = s.insert("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(s.find(a), nullptr);
  EXPECT_EQ(*s.find(b), "b");
}

TEST(Slab, NumbersOfLiveThingsDiffer) {
  slab<int> s;
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1'000; ++i) {
    const auto number = s.insert(i);
    EXPECT_TRUE(numbers.insert(number).second);
    if (i % 3 == 0) (void)s.take(number);
  }
}

TEST(Slab, UnknownNumbersFindNothing) {
  slab<int> s;
  EXPECT_EQ(s.find(0), nullptr);
  EXPECT_EQ(s.find(~0ull), nullptr);
  (void)s.insert(1);
  EXPECT_EQ(s.find(1), nullptr);
}

// Cookies of requests are made of a number and a part index; they must come back whole after any number of messages.
TEST(Slab, NumbersKeepToTheirBitsHoweverOftenASlotIsUsed) {
  slab<int> s;
  std::uint64_t number = 0;
  for (int i = 0; i < (1 << 22) + 10; ++i) {
    number = s.insert(i);
    ASSERT_LT(number, 1ull << 54);
    ASSERT_TRUE(s.take(number));
  }
  EXPECT_EQ(s.find(number), nullptr);
}
