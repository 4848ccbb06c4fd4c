#include "mmsgw/routing.hpp"

#include <gtest/gtest.h>

using namespace msgkit::app::mms;

namespace {

std::string group_of(const route_list& routes, std::string_view from, const destination& d) {
  const auto* r = routes.find(from, d);
  return r == nullptr ? "none" : r->to.front();
}

gateway_prices prices(std::uint64_t cost, std::vector<msgkit::engine::price_list::price> by_prefix,
                      std::map<std::string, std::uint64_t, std::less<>> by_network = {}) {
  return {cost, msgkit::engine::price_list(std::move(by_prefix)), std::move(by_network)};
}

}  // namespace

TEST(Routing, TheLongestPrefixOfASendersRoutesCounts) {
  const route_list routes({{.prefix = "+1", .to = {"any"}},
                           {.from = "client", .prefix = "+1202", .to = {"capital"}},
                           {.prefix = "120", .to = {"long"}},
                           {.prefix = "120", .to = {"later"}}});
  EXPECT_EQ(group_of(routes, "client", {.number = "+12025550100"}), "capital");
  EXPECT_EQ(group_of(routes, "other", {.number = "12025550100"}), "long");
  EXPECT_EQ(group_of(routes, "other", {.number = "+13035550100"}), "any");
  EXPECT_EQ(group_of(routes, "other", {.number = "+467000001"}), "none");
}

TEST(Routing, ApplicationsHaveRoutesOfTheirOwn) {
  const route_list routes({{.to = {"relay"}}, {.from = "application", .prefix = "+1", .to = {"carrier"}}});
  EXPECT_EQ(group_of(routes, "application", {.number = "+12025550100"}), "carrier");
  EXPECT_EQ(group_of(routes, "application", {.number = "+467000001"}), "none");
  EXPECT_EQ(group_of(routes, "client", {.number = "+12025550100"}), "relay");
  EXPECT_TRUE(routes.names("application"));
  EXPECT_FALSE(route_list({{.to = {"relay"}}}).names("application"));
}

TEST(Routing, APortedNumberGoesByItsRoutingNumberAndNetwork) {
  const route_list routes({{.prefix = "+1202", .to = {"old"}},
                           {.prefix = "+1404", .to = {"new"}},
                           {.network = "24001", .to = {"operator"}},
                           {.prefix = "+46", .to = {"sweden"}}});
  EXPECT_EQ(group_of(routes, "client", {.number = "+12025550100", .routing = "14045550000"}), "new");
  EXPECT_EQ(group_of(routes, "client", {.number = "+12025550100", .routing = "99"}), "old");
  EXPECT_EQ(group_of(routes, "client", {.number = "+467000001", .network = "24001"}), "operator");
  EXPECT_EQ(group_of(routes, "client", {.number = "+467000001", .network = "24002"}), "sweden");
  EXPECT_TRUE(routes.covers("client", "+998"));  // its network may be the one
  EXPECT_FALSE(route_list({{.prefix = "+1", .network = "x", .to = {"g"}}}).covers("client", "+998"));
}

TEST(Routing, PricesGoByNetworkThenByTheLongestPrefix) {
  const auto p = prices(70, {{"1", 12}, {"1202", 5}}, {{"24001", 3}});
  EXPECT_EQ(p.of({.number = "+12025550100"}), 5u);
  EXPECT_EQ(p.of({.number = "+13035550100"}), 12u);
  EXPECT_EQ(p.of({.number = "+13035550100", .routing = "12020000000"}), 5u);
  EXPECT_EQ(p.of({.number = "+13035550100", .routing = "999"}), 12u);
  EXPECT_EQ(p.of({.number = "+467000001"}), 70u);
  EXPECT_EQ(p.of({.number = "+467000001", .network = "24001"}), 3u);
  EXPECT_TRUE(p.depends_on_number());
  EXPECT_FALSE(prices(70, {}).depends_on_number());
}

TEST(Pick, TakesTheCheapestThatWorks) {
  EXPECT_EQ(pick(std::vector<candidate>{}), std::nullopt);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 9}, {.cost = 5, .in_flight = 30}, {.cost = 7}}), 1u);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 9}, {.cost = 5, .is_resting = true}, {.cost = 7}}), 2u);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 9}, {.cost = 5, .is_suspect = true}}), 0u);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 9, .is_resting = true}, {.cost = 5, .is_resting = true}}), 1u);
}

TEST(Pick, EqualCostsShareByLoad) {
  EXPECT_EQ(pick(std::vector<candidate>{{.in_flight = 3}, {.in_flight = 2}, {.in_flight = 4}}), 1u);
  EXPECT_EQ(pick(std::vector<candidate>{{.is_full = true}, {.in_flight = 9}}), 1u);
  EXPECT_EQ(pick(std::vector<candidate>{{.is_full = true}, {.is_resting = true}}), 1u);
}

TEST(Pick, WaitsForTheCheapestUnlessItOverflows) {
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 5, .is_full = true}, {.cost = 9}}), std::nullopt);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 5, .is_full = true, .overflows = true}, {.cost = 9}}), 1u);
  // One that failed is not waited for, and is tried before a dearer one that has no room.
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 5, .is_resting = true, .is_full = true}, {.cost = 9}}), 1u);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 5, .is_resting = true}, {.cost = 9, .is_full = true}}), 0u);
  EXPECT_EQ(pick(std::vector<candidate>{{.cost = 5, .is_full = true, .overflows = true}, {.cost = 9, .is_full = true}}),
            std::nullopt);
}
