#include "engine/text_fold.hpp"

#include <gtest/gtest.h>

#include "engine/policy.hpp"

using namespace msgkit::engine;

TEST(TextFold, BringsWhatPeopleTypeToOneForm) {
  EXPECT_EQ(fold_text("  Opt  OUT!! "), "opt out");
  EXPECT_EQ(fold_text("\"Stop.\""), "stop");
  EXPECT_EQ(fold_text("ARR\u00CAT"), "arr\u00eat");
  EXPECT_EQ(fold_text("\u0421\u0422\u041e\u041f"), "\u0441\u0442\u043e\u043f");
  EXPECT_EQ(fold_text("\u039a\u0391\u039b\u0391"), "\u03ba\u03b1\u03bb\u03b1");
  EXPECT_EQ(fold_text("\u0141\u00D3D\u0179"), "\u0142\u00f3d\u017a");
  EXPECT_EQ(fold_text("\u00A0 \u2003"), "");
  EXPECT_EQ(fold_text("\xff\xfe stop"), "\uFFFD\uFFFD stop");
}

TEST(TextFold, TheFirstWordStandsAlone) {
  EXPECT_EQ(fold_word("JOIN, please"), "join");
  EXPECT_EQ(fold_word("win"), "win");
  EXPECT_EQ(fold_word(""), "");
  EXPECT_EQ(fold_word(std::string(33, 'x')), "");
}

TEST(NumberList, MatchesNumbersAndPrefixes) {
  const number_list l{{"467*", "46701*", "4680000001", "+1*"}};
  EXPECT_TRUE(l.contains("467"));
  EXPECT_TRUE(l.contains("46709"));
  EXPECT_TRUE(l.contains("4680000001"));
  EXPECT_TRUE(l.contains("+1604"));
  EXPECT_FALSE(l.contains("46"));
  EXPECT_FALSE(l.contains("46800000010"));
  EXPECT_TRUE(number_list{{"*"}}.contains(""));
  EXPECT_FALSE(number_list{}.contains("1"));
  EXPECT_THROW(number_list{{"46*7"}}, std::invalid_argument);
  EXPECT_THROW(number_list{{""}}, std::invalid_argument);
}

TEST(Policy, NumbersBelongToOneAccountAndOnePool) {
  account_rules r;
  r.numbers["46700000001"] = {};
  EXPECT_THROW((policy{{{"client:a", r}, {"client:b", r}}, {}}), std::invalid_argument);
  const number_pool p{.name = "x", .numbers = {"1"}}, q{.name = "y", .numbers = {"1"}};
  EXPECT_THROW((policy{{}, {p, q}}), std::invalid_argument);
  EXPECT_THROW((policy{{}, {number_pool{}}}), std::invalid_argument);
}

TEST(Policy, TheListedKeywordsOfRegulatorsStop) {
  const number_pool p{.name = "x", .keywords = {*built_in_keywords("en")}};
  const policy rules{{}, {p}};
  for (const auto* word : {"stop", "QUIT", "End", "revoke", "opt out", "CANCEL", "unsubscribe"})
    EXPECT_EQ(policy::meaning_of(*rules.find_pool("x"), word).what, keyword_meaning::stop) << word;
  EXPECT_EQ(policy::meaning_of(*rules.find_pool("x"), "help").what, keyword_meaning::help);
  EXPECT_EQ(built_in_keywords("tlh"), nullptr);
}
