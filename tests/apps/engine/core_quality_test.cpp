// Least cost with a floor of quality and with a margin.
#include <gtest/gtest.h>

#include "driver.hpp"
#include "engine/quality.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

route least_cost(std::uint32_t quality_min) {
  auto r = to({{"carrier:cheap", 0, 1, 50}, {"carrier:dear", 0, 1, 80}});
  r.cheapest_first = true;
  r.quality_min = quality_min;
  return r;
}

class LeastCost : public ::testing::Test {
 protected:
  explicit LeastCost(std::uint32_t quality_min = 80) : d({}, routes({least_cost(quality_min)})) {
    d.up("carrier:cheap", 10, 1);
    d.up("carrier:dear", 10, 2);
  }
  // Sends one and reports what became of it. Which carrier had it.
  std::string one(const std::string& destination, message_state cheap_ends,
                  message_state dear_ends = message_state::delivered) {
    auto c = text_message(destination);
    c.receipt_wanted = 0;
    const auto s = only<send>(d.post(driver::make_submit(std::move(c))));
    const std::string carrier = s.link == 1 ? "carrier:cheap" : "carrier:dear";
    const auto id = "c" + std::to_string(++count);
    d.post(sent(s, id));
    d.post(delivery(id, s.link == 1 ? cheap_ends : dear_ends, carrier));
    return carrier;
  }
  void price(std::uint64_t per_segment) {
    account_rules rules;
    rules.prices = std::make_shared<const price_list>(std::vector<price_list::price>{{"46", per_segment}});
    rules.prepaid = false;
    rules.margin = least_margin{.percent = 0, .amount = 20};
    d.state().set_policy(std::make_shared<const policy>(
        std::map<std::string, account_rules, std::less<>>{{"client:alice", std::move(rules)}},
        std::vector<number_pool>{}));
  }
  driver d;
  int count = 0;
};

}  // namespace

TEST(QualityWindow, LooksAtTheLatestResultsOnceThereAreEnough) {
  quality_window w;
  for (std::size_t i = 0; i + 1 < quality_window::results_min; ++i) w.add(false);
  EXPECT_FALSE(w.is_below(100)) << "too few";
  w.add(false);
  EXPECT_TRUE(w.is_below(1));
  for (std::size_t i = 0; i < quality_window::results_max; ++i) w.add(i % 10 != 0);
  EXPECT_FALSE(w.is_below(90));
  EXPECT_TRUE(w.is_below(91)) << "the first ones are forgotten";
}

TEST_F(LeastCost, ACarrierBelowTheFloorGoesLastAndGetsATryNowAndThen) {
  for (std::size_t i = 0; i < quality_window::results_min; ++i)
    EXPECT_EQ(one("46700000001", message_state::undelivered), "carrier:cheap");
  int cheap = 0;
  for (int i = 0; i < 300; ++i) cheap += one("46700000001", message_state::undelivered) == "carrier:cheap" ? 1 : 0;
  EXPECT_GT(cheap, 0) << "else it could never show that it is better again";
  EXPECT_LT(cheap, 40);
  d.down("carrier:dear", 2);
  EXPECT_EQ(one("46700000001", message_state::undelivered), "carrier:cheap") << "rather than not at all";
}

TEST_F(LeastCost, QualityIsMeasuredByCountry) {
  for (std::size_t i = 0; i < quality_window::results_min; ++i) one("4790000001", message_state::delivered);
  for (std::size_t i = 0; i < quality_window::results_min * 3; ++i) one("46700000001", message_state::undelivered);
  int norway = 0, sweden = 0;
  for (int i = 0; i < 50; ++i) {
    norway += one("4790000001", message_state::delivered) == "carrier:cheap" ? 1 : 0;
    sweden += one("46700000001", message_state::undelivered) == "carrier:cheap" ? 1 : 0;
  }
  EXPECT_EQ(norway, 50);
  EXPECT_LT(sweden, 15);
}

TEST_F(LeastCost, ACarrierThatDeliversAgainGetsItsTrafficBack) {
  for (std::size_t i = 0; i < quality_window::results_min; ++i) one("46700000001", message_state::undelivered);
  int rounds = 0;
  while (rounds < 20'000 && one("46700000001", message_state::delivered) != "carrier:cheap") ++rounds;
  int in_a_row = 0;
  for (; rounds < 20'000 && in_a_row < 30; ++rounds)
    in_a_row = one("46700000001", message_state::delivered) == "carrier:cheap" ? in_a_row + 1 : 0;
  EXPECT_EQ(in_a_row, 30);
}

TEST(LeastMargin, IsTakenOffThePrice) {
  constexpr least_margin m{.percent = 10, .amount = 100};
  EXPECT_DOUBLE_EQ(m.cost_max(2'000), 1'700);
  EXPECT_DOUBLE_EQ(m.cost_max(1'000), 800);
  EXPECT_LT(m.cost_max(50), 0);
  EXPECT_LT(m.cost_max(std::nullopt), 0) << "not sold";
}

TEST_F(LeastCost, RoutesThatLeaveNoMarginAreNotUsed) {
  price(90);
  EXPECT_EQ(one("46700000001", message_state::delivered), "carrier:cheap");
  d.down("carrier:cheap", 1);
  const auto out = d.post(driver::make_submit(text_message()));
  EXPECT_TRUE(all<send>(out).empty()) << "it waits rather than going by the dear one";
  const auto id = only<accepted>(out).id;
  price(110);
  d.state().set_routes(routes({least_cost(80)}));
  EXPECT_EQ(only<send>(d.run()).id, id) << "changed prices hold for what waits";
}

TEST_F(LeastCost, WhatNoRouteCanDoForThePriceIsRefusedByName) {
  price(60);
  EXPECT_EQ(only<refused>(d.post(driver::make_submit(text_message()))).reason, refusal::too_dear);
  EXPECT_EQ(name(refusal::too_dear), "too_dear");
  EXPECT_EQ(only<refused>(d.post(driver::make_submit(text_message("4790000001")))).reason, refusal::too_dear);
  auto other = text_message();
  other.account = "client:bob";
  EXPECT_EQ(all<accepted>(d.post(driver::make_submit(other))).size(), 1u) << "who has no prices pays any";
}
