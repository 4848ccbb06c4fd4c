// Rules that change messages on their way: alone, and in the core.
#include "engine/rewrite.hpp"

#include "driver.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

// Octets are characters; a user data header makes a part of a long message.
struct plain_codec final : text_codec {
  std::optional<std::string> read(const message_content& c) const override {
    if (c.kind != message_kind::sms || c.user_data_header) return std::nullopt;
    return std::string(c.body.begin(), c.body.end());
  }
  bool write(message_content& c, std::string_view utf8, text_charset charset) const override {
    c.body.assign(utf8.begin(), utf8.end());
    c.coding = charset == text_charset::ucs2 ? 8 : 0;
    return true;
  }
};

std::shared_ptr<const rewrite_rules> rules(std::vector<rewrite_rule> list,
                                           std::unordered_map<std::string, std::string> tags = {}) {
  return std::make_shared<const rewrite_rules>(std::move(list), std::make_shared<plain_codec>(), std::move(tags));
}

content_ptr content(std::string text = "hello", std::string destination = "46700000001") {
  auto c = text_message(std::move(destination));
  c.body.assign(text.begin(), text.end());
  return std::make_shared<const message_content>(std::move(c));
}

std::string text_of(const content_ptr& c) { return {c->body.begin(), c->body.end()}; }

rewritten intake(rewrite_rule r, const content_ptr& c) { return rules({std::move(r)})->on_intake(c, t0); }

std::string problem_of(rewrite_rule r) {
  try {
    (void)rewrite_rules{{std::move(r)}};
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST(Rewrite, PatternsTakeStarsAndQuestionMarks) {
  EXPECT_TRUE(matches_pattern("46*", "46700000001"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("4?7*1", "46700000001"));
  EXPECT_TRUE(matches_pattern("*00*1", "46700000001"));
  EXPECT_FALSE(matches_pattern("46", "46700000001"));
  EXPECT_FALSE(matches_pattern("4?", "4"));
  EXPECT_FALSE(matches_pattern("*2", "46700000001"));
  // No pattern makes this take long.
  std::string many;
  for (int i = 0; i < 31; ++i) many += "a*";
  EXPECT_FALSE(matches_pattern(many + "b", std::string(256, 'a')));
}

TEST(Rewrite, ChangesTheBeginningOfNumbers) {
  const auto c = content("hi", "0046700000001");
  EXPECT_EQ(intake({.name = "a", .new_destination = {.strip = "00"}}, c).content->destination.value, "46700000001");
  const auto national = intake({.name = "a", .new_destination = {.strip = "0046", .add = "0"}}, c);
  EXPECT_EQ(national.content->destination.value, "0700000001");
  EXPECT_EQ(national.content->destination.type, 0) << "no longer international";
  EXPECT_EQ(intake({.name = "a", .new_destination = {.strip = "47", .add = "0"}}, c).content, c) << "begins otherwise";
  EXPECT_EQ(intake({.name = "a", .new_destination = {.country = "SE"}}, content("hi", "070-000 00 01"))
                .content->destination.value,
            "46700000001");
}

TEST(Rewrite, GivesAnotherSenderFixedOrOfAPool) {
  const auto named = intake({.name = "a", .new_source = {.replace = {"Shop"}}}, content());
  EXPECT_EQ(named.content->source, (address{5, 0, "Shop"}));
  const rewrite_rule pool{.name = "p", .new_source = {.replace = {"+46701", "46702", "46703"}}};
  std::map<std::string, int> used;
  for (int i = 0; i < 300; ++i) {
    const auto c = content("hi", "4670" + std::to_string(1'000'000 + i));
    const auto first = intake(pool, c).content->source;
    EXPECT_EQ(first, intake(pool, c).content->source) << "a recipient sees one sender";
    EXPECT_EQ(first.type, 1);
    ++used[first.value];
  }
  EXPECT_EQ(used.size(), 3u);
  for (const auto& [number, times] : used) EXPECT_GT(times, 50) << number;
}

TEST(Rewrite, ChangesTexts) {
  const auto c = content("Win! Win now");
  EXPECT_EQ(
      text_of(
          intake({.name = "a", .text_prefix = "[{account}] ", .text_suffix = " from {from} to {to}{x}"}, c).content),
      "[alice] Win! Win now from 46709999999 to 46700000001{x}");
  EXPECT_EQ(text_of(intake({.name = "a", .text_find = "Win", .text_replace = "WinWin"}, c).content),
            "WinWin! WinWin now");
  EXPECT_EQ(text_of(intake({.name = "a", .text_find = "Win"}, c).content), "!  now");
  EXPECT_EQ(intake({.name = "a", .text_find = "lose"}, c).content, c);
  EXPECT_EQ(intake({.name = "a", .charset = text_charset::ucs2}, c).content->coding, 8);
  const auto huge = content(std::string(20'000, 'a'));
  EXPECT_EQ(intake({.name = "a", .text_find = "a", .text_replace = "bbbb"}, huge).content, huge) << "bounded";
  auto part = *c;
  part.user_data_header = true;
  const auto part_ptr = std::make_shared<const message_content>(part);
  EXPECT_EQ(intake({.name = "a", .text_prefix = "x"}, part_ptr).content, part_ptr) << "a part of a long message";
}

TEST(Rewrite, ConditionsMustAllHold) {
  const auto c = content("Vote for me");
  const auto applies = [&](rewrite_rule r) {
    r.name = "r";
    r.set_tag = "yes";
    return intake(std::move(r), c).tag == "yes";
  };
  EXPECT_TRUE(applies({.origin = rewrite_origin::clients,
                       .account = "client:al*",
                       .source = "46709*",
                       .destination = "46*1",
                       .keyword = "VOTE",
                       .text_begins = "vote For"}));
  EXPECT_FALSE(applies({.origin = rewrite_origin::carriers}));
  EXPECT_FALSE(applies({.account = "client:bob"}));
  EXPECT_FALSE(applies({.source = "47*"}));
  EXPECT_FALSE(applies({.destination = "467"}));
  EXPECT_FALSE(applies({.keyword = "voted"}));
  EXPECT_FALSE(applies({.text_begins = "for"}));
  EXPECT_FALSE(applies({.tag = "promo"}));
  const auto minute = static_cast<std::uint16_t>(
      std::chrono::floor<std::chrono::minutes>(t0 - std::chrono::floor<std::chrono::days>(t0)).count());
  EXPECT_TRUE(applies({.hours = {.begin = minute, .end = static_cast<std::uint16_t>(minute + 1)}}));
  EXPECT_FALSE(applies(
      {.hours = {.begin = static_cast<std::uint16_t>(minute + 1), .end = static_cast<std::uint16_t>(minute + 2)}}));
  const auto tagged = rules({{.name = "r", .tag = "promo", .set_tag = "yes"}}, {{"46709999999", "promo"}});
  EXPECT_EQ(tagged->on_intake(c, t0).tag, "yes") << "the tag of the client's number";
  const auto renamed = rules({{.name = "r", .new_source = {.replace = {"Shop"}}}}, {{"46709999999", "promo"}});
  EXPECT_EQ(renamed->on_intake(c, t0).tag, "promo") << "also once it has another sender";
}

TEST(Rewrite, RulesGoInOrderUntilOneStops) {
  const auto set = rules({{.name = "one", .text_suffix = " 1", .set_tag = "t"},
                          {.name = "two", .tag = "t", .text_suffix = " 2", .stop = true},
                          {.name = "three", .text_suffix = " 3"}});
  const auto done = set->on_intake(content("0"), t0);
  EXPECT_EQ(text_of(done.content), "0 1 2");
  EXPECT_EQ(done.rules, "one, two");
}

TEST(Rewrite, MistakesNameRuleAndField) {
  EXPECT_NE(problem_of({}).find("name"), std::string::npos);
  EXPECT_EQ(problem_of({.name = "x", .new_source = {.replace = {"TwelveLetter"}}}),
            "rewrite \"x\": source: replace: \"TwelveLetter\" is neither a number nor a name of 1..11 characters");
  EXPECT_NE(problem_of({.name = "x", .new_destination = {.replace = {"Shop"}}}).find("is no number"),
            std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .new_source = {.country = "XX"}}).find("source: XX"), std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .keyword = "two words"}).find("keyword"), std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .carrier = "carrier:*", .priority = 1}).find("carrier"), std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .priority = 4}).find("priority: 4 is outside 0..3"), std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .refuse = refusal::limit_reached}).find("refuse"), std::string::npos);
  EXPECT_NE(problem_of({.name = "x", .text_suffix = std::string(1'601, 'x')}).find("text_suffix"), std::string::npos);
  EXPECT_THROW(rewrite_rules(std::vector<rewrite_rule>(rewrite_rules_max + 1, {.name = "x"})), std::invalid_argument);
}

// ---- in the core --------------------------------------------------------------------------------------------------

namespace {

class CoreRewrite : public ::testing::Test {
 protected:
  CoreRewrite() : d({}, routes({to({{"carrier:a", 0}, {"carrier:b", 1}}), to({{"carrier:no"}}, "47")})) {}
  void use(std::vector<rewrite_rule> list) { d.state().set_rewrites(rules(std::move(list))); }
  driver d;
};

}  // namespace

TEST_F(CoreRewrite, WhatIsStoredAndReceiptsAreAsTheClientSentThem) {
  use({{.name = "to national",
        .account = "client:alice",
        .new_source = {.replace = {"Shop"}},
        .new_destination = {.strip = "46", .add = "0"},
        .text_prefix = "Hi, "}});
  d.up("carrier:a");
  d.up("client:alice", 10, 2);
  const auto out = d.post(driver::make_submit(text_message()));
  const auto id = only<accepted>(out).id;
  const auto s = only<send>(out);
  EXPECT_EQ(s.content->source.value, "Shop");
  EXPECT_EQ(s.content->destination.value, "0700000001");
  EXPECT_EQ(text_of(s.content), "Hi, hello");
  EXPECT_EQ(*d.stored(id).content, text_message());
  d.post(sent(s));
  const auto receipt = only<send>(d.post(delivery("c1", message_state::delivered, "carrier:a"))).content;
  EXPECT_EQ(receipt->kind, message_kind::receipt);
  EXPECT_EQ(receipt->source.value, "46700000001");
  EXPECT_EQ(receipt->destination.value, "46709999999");
  EXPECT_EQ(kinds(d.stored(id))[1], event_kind::rewritten);
}

TEST_F(CoreRewrite, AnotherCarrierGetsWhatItsOwnRulesMake) {
  use({{.name = "a", .carrier = "carrier:a", .new_source = {.replace = {"111"}}},
       {.name = "b", .carrier = "carrier:b", .new_source = {.replace = {"Bee"}}, .text_suffix = "!"}});
  d.up("carrier:a");
  const auto first = only<send>(d.post(driver::make_submit(text_message())));
  EXPECT_EQ(first.content->source.value, "111");
  EXPECT_EQ(text_of(first.content), "hello");
  d.up("carrier:b", 10, 2);
  d.post(outcome(first, attempt_outcome::temporary));
  d.down("carrier:a");
  const auto second = only<send>(d.pass_to_deadline());
  EXPECT_EQ(second.content->source.value, "Bee");
  EXPECT_EQ(text_of(second.content), "hello!");
  EXPECT_EQ(*d.stored(first.id).content, text_message());
}

TEST_F(CoreRewrite, RoutesFollowWhatTheMessageHasBecome) {
  use({{.name = "norway", .destination = "46799*", .new_destination = {.strip = "46", .add = "47"}},
       {.name = "forced",
        .destination = "46755*",
        .priority = 3,
        .validity = std::chrono::seconds{60},
        .route_to = "carrier:b"}});
  d.up("carrier:no", 10, 3);
  EXPECT_EQ(only<send>(d.post(driver::make_submit(text_message("467991")))).link, 3u);
  d.up("carrier:a");
  const auto id = only<accepted>(d.post(driver::make_submit(text_message("467551")))).id;
  EXPECT_EQ(d.stored(id).progress.endpoint, "carrier:b") << "though another one is up";
  EXPECT_EQ(d.stored(id).progress.valid_until, d.now() + 60s);
  EXPECT_EQ(only<send>(d.up("carrier:b", 10, 2)).content->priority, 3);
}

TEST_F(CoreRewrite, AnotherSenderKeepsTheRoutesOfTheOldOne) {
  auto own = to({{"carrier:own"}});
  own.source_prefix = "46709999999";
  d.state().set_routes(routes({to({{"carrier:a"}}), own}));
  use({{.name = "x", .new_source = {.replace = {"Shop"}}}});
  d.up("carrier:a");
  d.up("carrier:own", 10, 2);
  const auto s = only<send>(d.post(driver::make_submit(text_message())));
  EXPECT_EQ(s.link, 2u);
  EXPECT_EQ(s.content->source.value, "Shop");
}

TEST_F(CoreRewrite, ARuleRefusesByNameOrDrops) {
  use({{.name = "no", .keyword = "spam", .refuse = refusal::blocked},
       {.name = "sink", .keyword = "junk", .drop = true},
       {.name = "not there", .carrier = "carrier:a", .keyword = "odd", .refuse = refusal::invalid}});
  d.up("carrier:a");
  d.up("client:alice", 10, 2);
  const auto say = [this](std::string text) { return d.post(submit{{3, 1}, content(std::move(text))}); };
  EXPECT_EQ(only<refused>(say("Spam spam")).reason, refusal::blocked);
  const auto dropped = say("junk!");
  EXPECT_EQ(d.stored_state(only<accepted>(dropped).id), message_state::rejected);
  EXPECT_EQ(only<send>(dropped).content->kind, message_kind::receipt);
  const auto id = only<accepted>(say("odd one")).id;
  EXPECT_EQ(d.stored_state(id), message_state::rejected);
  EXPECT_EQ(d.stored(id).progress.error.text, "invalid by a rule");
  EXPECT_EQ(d.state().stats().ended_by_rule, 3u);
}

TEST_F(CoreRewrite, ChangedRulesApplyToWhatWaits) {
  const auto id = only<accepted>(d.post(driver::make_submit(text_message()))).id;
  use({{.name = "later", .text_suffix = " later", .route_to = "carrier:b"},
       {.name = "refusing", .refuse = refusal::blocked}});
  d.run();
  const auto s = only<send>(d.up("carrier:b", 10, 2));
  EXPECT_EQ(s.id, id) << "what has been accepted is not refused any more";
  EXPECT_EQ(text_of(s.content), "hello later");
}

TEST_F(CoreRewrite, ARestartMakesTheSameOfIt) {
  const std::vector<rewrite_rule> list{
      {.name = "x", .new_source = {.replace = {"one", "two", "three"}}, .priority = 2}};
  use(list);
  d.post(driver::make_submit(text_message()));
  const auto expected = intake(list.front(), content()).content->source.value;
  d.restart();
  use(list);
  const auto s = only<send>(d.up("carrier:a"));
  EXPECT_EQ(s.content->source.value, expected);
  EXPECT_EQ(s.content->priority, 2);
}

TEST_F(CoreRewrite, PartsOfOneMessageAreOfOneText) {
  use({{.name = "x", .carrier = "carrier:a", .text_suffix = " old"}});
  d.up("carrier:a");
  const auto s = only<send>(d.post(driver::make_submit(text_message())));
  attempt_result half = outcome(s, attempt_outcome::temporary);
  half.segments = {{true, true, "p1"}, {}};
  d.post(half);
  use({{.name = "x", .carrier = "carrier:a", .text_suffix = " new and longer"}});
  const auto again = only<send>(d.pass_to_deadline());
  EXPECT_EQ(text_of(again.content), "hello old");
}

TEST_F(CoreRewrite, AnOptOutOfTheSenderThatRecipientsSeeCounts) {
  use({{.name = "pool", .account = "client:alice", .new_source = {.replace = {"46700000777"}}}});
  d.state().set_policy(std::make_shared<const policy>(
      std::map<std::string, account_rules, std::less<>>{},
      std::vector<number_pool>{{.name = "shop", .numbers = {"46700000777"}, .keywords = {*built_in_keywords("en")}}}));
  d.post(opt_out{{4, 1}, "shop", "46700000001"});
  EXPECT_EQ(only<refused>(d.post(driver::make_submit(text_message()))).reason, refusal::blocked);
}
