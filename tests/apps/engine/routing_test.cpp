#include "engine/routing.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "msgkit/core/backoff.hpp"

using namespace msgkit;
using namespace msgkit::engine;

namespace {

route rule(std::string name, std::string destination, std::string endpoint, bool exact = false, std::string account = {},
           std::string source = {}) {
  return {std::move(name), std::move(destination), exact, std::move(source), std::move(account), {{std::move(endpoint)}}};
}
std::string first(const route_table& t, std::string_view destination, std::string_view source = "",
                  std::string_view account = "", std::uint64_t seed = 1) {
  const auto c = t.choose(destination, source, account, seed);
  return c.empty() ? "" : std::string{c.endpoints()[0]};
}

}  // namespace

TEST(Routing, LongestPrefixWins) {
  const route_table t{{rule("a", "46", "e46"), rule("b", "467", "e467"), rule("c", "46701", "e46701"), rule("d", "", "all")}};
  EXPECT_EQ(first(t, "46701555"), "e46701");
  EXPECT_EQ(first(t, "46702555"), "e467");
  EXPECT_EQ(first(t, "4680000"), "e46");
  EXPECT_EQ(first(t, "4512345"), "all");
  EXPECT_EQ(first(t, ""), "all");
}

TEST(Routing, ExactNumberBeatsPrefixAndMatchesNothingLonger) {
  const route_table t{{rule("p", "4670", "prefix"), rule("x", "46701", "exact", true), rule("q", "46701", "same")}};
  EXPECT_EQ(first(t, "46701"), "exact");
  EXPECT_EQ(first(t, "467012"), "same");
  EXPECT_EQ(first(t, "46709"), "prefix");
}

TEST(Routing, AccountAndSourceNarrowAndFallBackToShorterPrefixes) {
  const route_table t{{rule("a", "467", "bob", false, "client:bob"), rule("b", "46", "src", false, "", "999"),
                       rule("c", "46", "any")}};
  EXPECT_EQ(first(t, "467000", "1", "client:bob"), "bob");
  EXPECT_EQ(first(t, "467000", "1", "client:eve"), "any");
  EXPECT_EQ(first(t, "467000", "9991", "client:eve"), "src");
}

TEST(Routing, NoMatchIsEmpty) {
  const route_table t{{rule("a", "46", "x")}};
  EXPECT_TRUE(t.choose("45", "", "", 1).empty());
  EXPECT_TRUE(route_table{{}}.choose("45", "", "", 1).empty());
}

TEST(Routing, PriorityThenWeightDecides) {
  const route_table t{{{"w", "", false, "", "", {{"backup", 1, 1}, {"heavy", 0, 3}, {"light", 0, 1}}}}};
  std::map<std::string, int> firsts;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    const auto c = t.choose("1", "", "", mix(seed));
    ASSERT_EQ(c.endpoints().size(), 3u);
    EXPECT_EQ(c.endpoints()[2], "backup");
    ++firsts[std::string{c.endpoints()[0]}];
  }
  EXPECT_NEAR(firsts["heavy"], 7'500, 200);
  EXPECT_EQ(firsts["backup"], 0);
  EXPECT_EQ(first(t, "1", "", "", 42), first(t, "1", "", "", 42));
}

TEST(Routing, KnowsWhichEndpointsHaveAlternatives) {
  const route_table t{{{"w", "1", false, "", "", {{"a"}, {"b"}}}, rule("s", "2", "c")}};
  EXPECT_TRUE(t.has_alternative("a"));
  EXPECT_FALSE(t.has_alternative("c"));
}

TEST(Routing, ImpossibleRoutesAreNamed) {
  const auto why = [](route r) -> std::string {
    try {
      const route_table t{{std::move(r)}};
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(why({"x", "", false, "", "", {}}), "route \"x\": targets: 0 is outside 1..8");
  EXPECT_EQ(why({"x", "", false, "", "", {{"e", 0, 0}}}), "route \"x\": weight: 0 is outside 1..1000");
  EXPECT_EQ(why({"x", "", true, "", "", {{"e"}}}), "route \"x\": destination: an exact match needs a number");
}

// Against the plain definition, over a table large enough that a linear scan would be felt.
TEST(Routing, AgreesWithALinearScanOfAHundredThousandPrefixes) {
  std::vector<route> list;
  std::map<std::string, std::string> plain;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const auto prefix = std::to_string(mix(i) % 100'000'000).substr(0, 1 + i % 8);
    if (plain.emplace(prefix, "e" + prefix).second) list.push_back(rule(prefix, prefix, "e" + prefix));
  }
  const route_table t{std::move(list)};
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const auto number = std::to_string(mix(i + 77) % 100'000'000'000);
    std::string expected;
    for (std::size_t n = 1; n <= number.size(); ++n)
      if (const auto at = plain.find(number.substr(0, n)); at != plain.end()) expected = at->second;
    EXPECT_EQ(first(t, number), expected) << number;
  }
}

TEST(Routing, KeywordsAndHoursNarrow) {
  route keyword = rule("k", "72345", "votes", true), night = rule("n", "72345", "night", true), day = rule("d", "72345", "day", true);
  keyword.keyword = "VOTE";
  night.hours = {.begin = 22 * 60, .end = 6 * 60};
  const route_table t{{day, night, keyword}};
  const auto at = [&](std::string_view word, std::chrono::hours hour) {
    const auto c = t.choose({.destination = "72345", .keyword = word, .now = wall_time{hour}});
    return std::string{c.endpoints()[0]};
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(at("vote", 12h), "votes");
  EXPECT_EQ(at("vote", 23h), "votes");
  EXPECT_EQ(at("other", 23h), "night");
  EXPECT_EQ(at("other", 5h), "night");
  EXPECT_EQ(at("", 6h), "day");
  EXPECT_TRUE(t.reads_keywords());
}

TEST(Routing, AWindowOverMidnightBelongsToTheDayItBegins) {
  const time_window friday_night{.days = 1 << 4, .begin = 22 * 60, .end = 2 * 60};
  using namespace std::chrono_literals;
  const wall_time friday{std::chrono::hours{24}};  // 2 January 1970
  EXPECT_TRUE(friday_night.contains(friday + 23h));
  EXPECT_TRUE(friday_night.contains(friday + 25h));
  EXPECT_FALSE(friday_night.contains(friday + 1h));
  EXPECT_FALSE(friday_night.contains(friday + 47h));
}

TEST(Routing, TheCheapestOfAPriorityGoesFirst) {
  route r = rule("c", "", "x");
  r.targets = {{"dear", 0, 1000, 90}, {"cheap", 0, 1, 10}, {"free-but-last", 1, 1, 0}};
  r.cheapest_first = true;
  const route_table t{{r}};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto c = t.choose("1", "", "", seed);
    EXPECT_EQ(c.endpoints()[0], "cheap");
    EXPECT_EQ(c.endpoints()[1], "dear");
    EXPECT_EQ(c.endpoints()[2], "free-but-last");
  }
}

TEST(Routing, AHundredThousandPrefixesNeedFewMegabytes) {
  std::vector<route> list;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    list.push_back(rule("p" + std::to_string(i), std::to_string(10'000'000 + i * 37), "carrier:" + std::to_string(i % 20)));
  const route_table t{std::move(list)};
  EXPECT_EQ(t.size(), 100'000u);
  EXPECT_LT(t.memory(), 10u * 1024 * 1024);
  EXPECT_EQ(first(t, "100000375"), "carrier:1");
}

TEST(Routing, ARouteForMediaAloneBeatsOthersForTheSameNumberAndTakesNoText) {
  route media{.name = "media", .destination = "46700000001", .destination_exact = true, .media_only = true};
  media.targets = {{.endpoint = "client:hub"}};
  route texts{.name = "texts", .destination = "46700000001", .destination_exact = true};
  texts.targets = {{.endpoint = "client:alice"}};
  const route_table table({texts, media});
  EXPECT_EQ(table.choose({.destination = "46700000001", .is_media = true}).route_name(), "media");
  EXPECT_EQ(table.choose({.destination = "46700000001"}).route_name(), "texts");
  const route_table only({media});
  EXPECT_TRUE(only.choose({.destination = "46700000001"}).empty());
}
