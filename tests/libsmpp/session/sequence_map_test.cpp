#include "msgkit/smpp/sequence_map.hpp"

#include <gtest/gtest.h>

#include <map>

#include "msgkit/core/backoff.hpp"

using namespace msgkit;
using smpp::sequence_map;

TEST(SequenceMap, AgreesWithStdMapUnderRandomUse) {
  sequence_map<int> map;
  std::map<std::uint32_t, int> model;
  std::uint64_t random = 1;
  for (int step = 0; step < 200'000; ++step) {
    random = mix(random);
    const auto key = static_cast<std::uint32_t>(random % 300) * (random & 1024 ? 0x10001u : 1u);
    if (random & 4096) {
      if (model.emplace(key, step).second) map.insert(key, step);
    } else {
      EXPECT_EQ(map.erase(key), model.erase(key) == 1);
    }
    const auto found = model.find(key);
    const auto* value = map.find(key);
    ASSERT_EQ(value != nullptr, found != model.end());
    if (value != nullptr) {
      ASSERT_EQ(*value, found->second);
    }
    ASSERT_EQ(map.size(), model.size());
  }
}

TEST(SequenceMap, KeepsTwoEntriesOfOneSequence) {
  sequence_map<int> map;
  map.insert(7, 1);
  map.insert(7, 2);
  EXPECT_TRUE(map.erase(7));
  EXPECT_NE(map.find(7), nullptr);
  EXPECT_TRUE(map.erase(7));
  EXPECT_EQ(map.find(7), nullptr);
  EXPECT_FALSE(map.erase(7));
}

TEST(SequenceMap, OwnsNoMemoryWhileEmpty) {
  sequence_map<int> map;
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_FALSE(map.erase(1));
  map.insert(1, 1);
  map.clear();
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find(1), nullptr);
}
