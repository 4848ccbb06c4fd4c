// Opt-outs, quiet hours, automatic replies and lists: on each store.
#include <gtest/gtest.h>

#include "each_store.hpp"
#include "msgkit/core/utf.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

constexpr const char* our_number = "46709999999";
constexpr const char* person = "46701234567";

class Care : public EachStore {
 protected:
  void SetUp() override {
    EachStore::SetUp();
    if (IsSkipped()) return;
    set_routes({{.name = "us", .destination = our_number, .destination_exact = true, .targets = {{"client:alice"}}},
                to({{"carrier:up1"}})});
  }
  number_pool pool(std::string auto_reply = {}) {
    return {.name = "shop", .numbers = {our_number}, .keywords = {*built_in_keywords("en"), *built_in_keywords("sv")},
            .auto_reply = std::move(auto_reply)};
  }
  static submit says(std::string text, std::string from = person) {
    message_content c;
    c.account = "carrier:up1";
    c.source = {1, 1, std::move(from)};
    c.destination = {1, 1, our_number};
    c.body.assign(text.begin(), text.end());
    return with(std::move(c), {.text = text});
  }
  static submit to_person() { return plain(text_message(person)); }
  // Texts of messages handed to the carrier.
  std::vector<std::string> sent_out(const std::vector<action>& actions) {
    std::vector<std::string> out;
    for (const auto& s : all<send>(actions))
      if (s.content->account.starts_with("care:")) out.emplace_back(s.content->body.begin(), s.content->body.end());
    return out;
  }
};

}  // namespace

TEST_P(Care, StopIsConfirmedOnceAndBlocksFromThenOn) {
  set_rules({}, {pool()});
  up("carrier:up1");
  take(to_person());
  const auto first = post(says("  STOP!"));
  const auto answers = all<send>(first);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].content->destination.value, person);
  EXPECT_EQ(answers[0].content->source.value, our_number);
  EXPECT_EQ(answers[0].content->coding, 0);
  EXPECT_TRUE(all<send>(post(says("stop"))).empty()) << "said before";
  EXPECT_EQ(refuse(to_person()).reason, refusal::blocked);
  restart();
  EXPECT_EQ(refuse(to_person()).reason, refusal::blocked) << "survives a restart";
  take(plain(text_message("46700000009")));

  up("carrier:up1");
  EXPECT_EQ(sent_out(post(says("Start"))).size(), 1u);
  take(to_person());
  EXPECT_EQ(stats().opt_ins, 1u);
}

TEST_P(Care, KeywordsOfEveryLanguageOfThePoolCount) {
  set_rules({}, {pool()});
  up("carrier:up1");
  const auto out = all<send>(post(says("AVSLUTA")));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].content->coding, 8) << "the Swedish confirmation needs more than the plain letters";
  EXPECT_EQ(refuse(to_person()).reason, refusal::blocked);
}

TEST_P(Care, ATextThatOnlyContainsAKeywordIsNone) {
  set_rules({}, {pool()});
  take(says("please stop by the shop"));
  take(to_person());
}

TEST_P(Care, WhatWaitsForSomebodyWhoOptsOutIsRejectedWithAReceipt) {
  set_rules({}, {pool()});
  const auto waiting = take(to_person()).id, other = take(plain(text_message("46700000009"))).id;
  post(says("STOP"));
  const auto m = stored(waiting);
  EXPECT_EQ(m.progress.state, message_state::rejected);
  EXPECT_EQ(kinds(m)[1], event_kind::blocked);
  EXPECT_EQ(stats().receipts_created, 1u);
  EXPECT_EQ(stored(other).progress.state, message_state::queued);
}

TEST_P(Care, TheClientGetsKeywordsUnlessThePoolKeepsThem) {
  auto kept = pool();
  kept.forward_keywords = false;
  set_rules({}, {kept});
  up("client:alice", 2);
  const auto out = post(says("STOP"));
  EXPECT_EQ(all<send>(out).size(), 0u);
  EXPECT_EQ(stored(only<accepted>(out).id).progress.state, message_state::delivered);
  EXPECT_EQ(all<send>(post(says("hello"))).size(), 1u);
  set_rules({}, {pool()});
  EXPECT_EQ(all<send>(post(says("START"))).size(), 1u);
}

TEST_P(Care, AnAutomaticReplyIsGivenToPeopleAndNotTooOften) {
  auto p = pool("We are closed.");
  p.replies_per_day_max = 2;
  set_rules({}, {p});
  up("carrier:up1");
  EXPECT_EQ(sent_out(post(says("hi"))), std::vector<std::string>{"We are closed."});
  EXPECT_TRUE(sent_out(post(says("hi again"))).empty()) << "within the pause";
  pass(61s);
  EXPECT_EQ(sent_out(post(says("hi"))).size(), 1u);
  pass(61s);
  EXPECT_TRUE(sent_out(post(says("hi"))).empty()) << "enough for today";
  EXPECT_TRUE(sent_out(post(says("hi", "SHOP"))).empty()) << "a name";
  EXPECT_TRUE(sent_out(post(says("hi", "72345"))).empty()) << "a short code";
  EXPECT_TRUE(sent_out(post(says("hi", our_number))).empty()) << "ourselves";
  post(says("STOP", "46701234568"));
  EXPECT_TRUE(sent_out(post(says("hi", "46701234568"))).empty()) << "opted out";
}

TEST_P(Care, OptOutsAreListedImportedAndTakenBack) {
  set_rules({}, {pool()});
  for (const auto* number : {"46700000003", "46700000001", "46700000002"})
    EXPECT_TRUE(only<opt_out_done>(post(opt_out{{9, 1}, "shop", number, true, "carrier 21610"})).changed);
  EXPECT_FALSE(only<opt_out_done>(post(opt_out{{9, 1}, "shop", "46700000001", true, "import"})).changed);
  EXPECT_TRUE(only<opt_out_done>(post(opt_out{{9, 1}, "shop", "46700000003", false, ""})).changed);
  EXPECT_EQ(only<refused>(post(opt_out{{9, 1}, "nobody", "46700000003", true, ""})).reason, refusal::not_found);
  restart();
  const auto page = work_->opt_outs("shop", "", 1);
  ASSERT_TRUE(page && page->size() == 1);
  EXPECT_EQ(page->front(), (opt_out_entry{"shop", "46700000001", t0, "carrier 21610"}));
  const auto rest = work_->opt_outs("shop", "46700000001", 100);
  ASSERT_TRUE(rest && rest->size() == 1);
  EXPECT_EQ(rest->front().number, "46700000002");
}

TEST_P(Care, QuietHoursDeferToTheMorningOfTheRecipient) {
  auto quiet = std::make_shared<quiet_hours>();
  quiet->zones.emplace_back("46", *time_zone::load("Europe/Stockholm"));
  quiet->zones.emplace_back("1604", *time_zone::load("America/Vancouver"));
  account_rules r;
  r.quiet = quiet;
  set_rules({{"client:alice", r}});
  up("carrier:up1");
  now_ = t0 - (t0.time_since_epoch() % 24h) + 20h;  // 22:00 in Stockholm, 13:00 in Vancouver
  const auto deferred = post(to_person());
  EXPECT_TRUE(all<send>(deferred).empty());
  const auto id = only<accepted>(deferred).id;
  EXPECT_EQ(stored(id).progress.next_attempt_at, now_ + 10h);
  post(sent(only<send>(post(plain(text_message("16045550000")))), "c1", false));
  auto code = text_message(person);
  code.ignores_quiet_hours = true;
  post(sent(only<send>(post(plain(code))), "c2", false));
  restart();
  up("carrier:up1");
  EXPECT_TRUE(all<send>(pass(10h - 1s)).empty());
  EXPECT_EQ(only<send>(pass(1s)).id, id);
}

TEST_P(Care, WhatWaitsForACarrierDoesNotGoOutInTheNight) {
  auto quiet = std::make_shared<quiet_hours>();
  account_rules r;
  r.quiet = quiet;
  set_rules({{"client:alice", r}});
  now_ = t0 - (t0.time_since_epoch() % 24h) + 20h;
  const auto id = take(to_person()).id;
  pass(2h);
  EXPECT_TRUE(all<send>(up("carrier:up1")).empty());
  EXPECT_EQ(only<send>(pass(10h)).id, id);
}

TEST_P(Care, ADeferredMessageExpiresWithAReceiptWhenItsValidityIsShorter) {
  account_rules r;
  r.quiet = std::make_shared<quiet_hours>();
  set_rules({{"client:alice", r}});
  up("carrier:up1");
  now_ = t0 - (t0.time_since_epoch() % 24h) + 22h;
  auto c = text_message(person);
  c.valid_until = now_ + 1h;
  const auto id = take(plain(c)).id;
  pass(2h);
  EXPECT_EQ(stored(id).progress.state, message_state::expired);
  EXPECT_EQ(stats().receipts_created, 1u);
}

TEST_P(Care, AStopNoticeIsTakenAndNotSentFromNumbersThatDoNot) {
  account_rules r;
  r.no_stop_notices = {our_number};
  set_rules({{"client:alice", r}});
  up("carrier:up1");
  const auto text_of = [](std::string_view text, const char* from) {
    auto c = text_message(person);
    c.source.value = from;
    c.body.assign(text.begin(), text.end());
    return c;
  };
  auto ucs2 = text_of({}, our_number);
  ucs2.coding = 0x08;
  ucs2.body = msgkit::utf8_to_utf16be(stop_notice);
  for (const auto& c : {text_of(stop_notice, our_number), ucs2}) {
    const auto actions = post(plain(c));
    const auto taken = all<accepted>(actions);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_TRUE(all<send>(actions).empty());
    EXPECT_EQ(stored(taken[0].id).progress.state, message_state::canceled);
  }
  EXPECT_EQ(all<send>(post(plain(text_of(stop_notice, "46709999998")))).size(), 1u) << "another number";
  EXPECT_EQ(all<send>(post(plain(text_of("Hi. Reply STOP to end messages.", our_number)))).size(), 1u) << "more is said";
}

TEST_P(Care, ListsBlockAndAllow) {
  account_rules r;
  r.block_to = number_list{{"467*", "4680000001"}};
  r.block_from = number_list{{"SPAM"}};
  account_rules only_norway;
  only_norway.allow_to = number_list{{"47*"}};
  set_rules({{"client:alice", r}, {"client:bob", only_norway}});
  EXPECT_EQ(refuse(plain(text_message("46701"))).reason, refusal::blocked);
  EXPECT_EQ(refuse(plain(text_message("4680000001"))).reason, refusal::blocked);
  take(plain(text_message("4680000002")));
  auto c = text_message("4680000002");
  c.source.value = "SPAM";
  EXPECT_EQ(refuse(plain(c)).reason, refusal::blocked);
  c = text_message("4680000002");
  c.account = "client:bob";
  EXPECT_EQ(refuse(plain(c)).reason, refusal::blocked);
  c.destination.value = "4790000000";
  take(plain(c));
  EXPECT_EQ(stats().blocked, 4u);
}

MSGKIT_ON_EACH_STORE(Care);
