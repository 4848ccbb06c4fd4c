#include "engine/pace_shares.hpp"

#include <gtest/gtest.h>

#include "each_store.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

constexpr const char* alice = "client:alice";

TEST(PaceShares, AreDividedAmongThoseThatHaveTraffic) {
  pace_shares s;
  EXPECT_EQ(s.take(alice, t0), 1.0);
  neighbourhood around{
      {1, 2}, {{"client:alice", 1}, {"pace:client:alice", 1}, {"pace:client:alice", 2}, {"pace:client:bob", 2}}};
  s.hear(around);
  EXPECT_DOUBLE_EQ(s.take(alice, t0), 1.0 / 3);
  EXPECT_DOUBLE_EQ(s.take("client:bob", t0), 1.0 / 2);
  EXPECT_DOUBLE_EQ(s.take("client:carol", t0), 1.0);
  ASSERT_EQ(around.bound.size(), 1u) << "what is about endpoints stays";
  EXPECT_EQ(around.bound[0].first, "client:alice");
  neighbourhood alone;
  s.hear(alone);
  EXPECT_EQ(s.take(alice, t0), 1.0);
}

TEST(PaceShares, TellWhenTrafficBeginsAndWhenItHasCeased) {
  pace_shares s;
  EXPECT_TRUE(s.changed(t0).empty());
  s.take(alice, t0);
  auto told = s.changed(t0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].endpoint, "pace:client:alice");
  EXPECT_TRUE(told[0].here);
  s.take(alice, t0 + 5s);
  EXPECT_TRUE(s.changed(t0 + 14s).empty());
  told = s.changed(t0 + 15s);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].here);
  EXPECT_TRUE(s.changed(t0 + 30s).empty());
}

TEST(PaceShares, TellEverythingAnewWhenNobodyKnowsUsAnyMore) {
  pace_shares s;
  s.take(alice, t0);
  EXPECT_EQ(s.changed(t0).size(), 1u);
  EXPECT_TRUE(s.changed(t0).empty());
  s.forget_told();
  EXPECT_EQ(s.changed(t0).size(), 1u);
}

// What began and ceased while it could not be told is not worth telling.
TEST(PaceShares, ForgetWhatWasNeverTold) {
  pace_shares s;
  s.take(alice, t0);
  EXPECT_TRUE(s.changed(t0 + 11s).empty());
}

// Through the store, as it is between gateways.
TEST(PaceSharesOfSeveral, AreDividedAgainWhenOneComesOrGoes) {
  MSGKIT_NEEDS_POSTGRES();
  const auto schema = fresh_schema();
  auto a = open_postgres(postgres_options(schema, "a"));
  auto b = open_postgres(postgres_options(schema, "b"));
  ASSERT_TRUE(a && b);
  const auto table = routes({to({{"carrier:up1"}})});
  const auto here = std::make_shared<pace_shares>(), there = std::make_shared<pace_shares>();
  processor first{{.instance = *a->instance_number()}, {.shares = here}, table, *a};
  auto second = std::make_unique<processor>(core_options{.instance = *b->instance_number()},
                                            processor_options{.shares = there}, table, *b);
  ASSERT_TRUE(first.start(t0) && second->start(t0));
  auto now = t0;
  const auto both = [&](bool second_too = true) {
    now += 1s;
    std::vector<event> none;
    first.run(none, now);
    if (second_too) second->run(none, now);
  };
  both();
  EXPECT_EQ(here->take(alice, now), 1.0);
  both();
  both();
  EXPECT_DOUBLE_EQ(there->take(alice, now), 0.5) << "it has heard of the first before its own first message";
  both();
  both();
  EXPECT_DOUBLE_EQ(here->take(alice, now), 0.5);
  second.reset();
  b.reset();  // gone: its lease has ended
  both(false);
  both(false);
  EXPECT_DOUBLE_EQ(here->take(alice, now), 1.0);
}

}  // namespace
