// Two gateways on one PostgreSQL database, each driven by hand: what either does holds for both.
#include <gtest/gtest.h>

#include "driver.hpp"
#include "postgres_fixture.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

constexpr const char* our_number = "46709999999";

struct instance {
  std::unique_ptr<postgres_store> db;
  std::unique_ptr<processor> work;
  std::vector<action> seen;  // since the test looked
};

class TwoInstances : public ::testing::Test {
 protected:
  void SetUp() override {
    MSGKIT_NEEDS_POSTGRES();
    schema_ = fresh_schema();
    start(a_, "gw1");
    start(b_, "gw2");
    settle();
  }
  void start(instance& i, const std::string& name) {
    i.work.reset();
    i.db.reset();
    i.db = open_postgres(postgres_options(schema_, name));
    ASSERT_NE(i.db, nullptr);
    core_options o;
    o.instance = *i.db->instance_number();
    i.work = std::make_unique<processor>(o, processor_options{}, table_, *i.db);
    ASSERT_TRUE(i.work->start(now_));
    i.work->state().set_policy(rules_);
  }
  void stop(instance& i) {
    i.work.reset();
    i.db.reset();
  }
  void set_rules(std::map<std::string, account_rules, std::less<>> accounts, std::vector<number_pool> pools = {}) {
    rules_ = std::make_shared<const policy>(std::move(accounts), std::move(pools));
    for (auto* i : {&a_, &b_}) i->work->state().set_policy(rules_);
  }

  std::vector<action> run(instance& i, std::vector<event> events = {}) {
    auto& out = i.work->run(events, now_);
    std::vector<action> copy{std::make_move_iterator(out.begin()), std::make_move_iterator(out.end())};
    i.seen.insert(i.seen.end(), copy.begin(), copy.end());
    return copy;
  }
  template <class... Events>
  std::vector<action> post(instance& i, Events... events) {
    std::vector<event> list;
    (list.emplace_back(std::move(events)), ...);
    return run(i, std::move(list));
  }
  void up(instance& i, std::string endpoint, std::uint64_t link) {
    post(i, link_state{std::move(endpoint), link, 7, true, 100});
  }
  void down(instance& i, std::string endpoint, std::uint64_t link) {
    post(i, link_state{std::move(endpoint), link, 7, false, 0});
  }
  // Lets both look around and take in what the other one gave. What was committed is seen at the next look.
  void settle() {
    for (int round = 0; round < 4; ++round)
      for (auto* i : {&a_, &b_}) {
        now_ += 1100ms;
        if (i->work) run(*i);
      }
  }
  template <class T>
  std::vector<T> taken(instance& i) {
    auto found = all<T>(i.seen);
    i.seen.clear();
    return found;
  }
  static message_content inbound(std::string text = "hello") {
    message_content c;
    c.account = "carrier:up1";
    c.source = {1, 1, "46701234567"};
    c.destination = {1, 1, our_number};
    c.body.assign(text.begin(), text.end());
    return c;
  }
  static submit with(message_content c, submit_extras x) {
    return submit{{3, 1}, std::make_shared<const message_content>(std::move(c)), false,
                  std::make_shared<const submit_extras>(std::move(x))};
  }

  std::string schema_;
  std::shared_ptr<const route_table> table_ =
      routes({{.name = "us", .destination = our_number, .destination_exact = true, .targets = {{"client:alice"}}},
              to({{"carrier:up1"}})});
  std::shared_ptr<const policy> rules_;
  instance a_, b_;
  wall_time now_ = t0;
};

}  // namespace

TEST_F(TwoInstances, AMessageForAClientBoundElsewhereIsDeliveredThere) {
  up(b_, "client:alice", 20);
  settle();
  b_.seen.clear();
  const auto id = only<accepted>(post(a_, driver::make_submit(inbound()))).id;
  settle();
  const auto sends = taken<send>(b_);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].id, id);
  EXPECT_EQ(sends[0].link, 20u);
  post(b_, outcome(sends[0], attempt_outcome::delivered));
  const auto m = a_.work->find(id);
  ASSERT_TRUE(m && *m);
  EXPECT_EQ((*m)->progress.state, message_state::delivered);
  EXPECT_EQ(kinds(**m), (std::vector{event_kind::accepted, event_kind::moved, event_kind::attempt, event_kind::delivered}));
  EXPECT_EQ(a_.work->state().active(), 0u);
}

TEST_F(TwoInstances, WhatWaitedHereFollowsTheClientThatBindsThere) {
  std::vector<message_id> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(only<accepted>(post(a_, driver::make_submit(inbound()))).id);
  up(b_, "client:alice", 20);
  settle();
  std::vector<message_id> got;
  for (const auto& s : taken<send>(b_)) got.push_back(s.id);
  EXPECT_EQ(got, ids) << "in their order";
}

// Time stands still, so nothing but the server's notification makes the other one look.
TEST_F(TwoInstances, ANotificationWakesTheOtherOne) {
  up(b_, "client:alice", 20);
  settle();
  b_.seen.clear();
  post(a_, driver::make_submit(inbound()));
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (all<send>(b_.seen).empty() && std::chrono::steady_clock::now() < deadline) run(b_);
  EXPECT_EQ(all<send>(b_.seen).size(), 1u);
}

TEST_F(TwoInstances, ABindHereIsPreferred) {
  up(a_, "client:alice", 10);
  up(b_, "client:alice", 20);
  settle();
  EXPECT_EQ(only<send>(post(a_, driver::make_submit(inbound()))).link, 10u);
  EXPECT_EQ(only<send>(post(b_, driver::make_submit(inbound()))).link, 20u);
}

TEST_F(TwoInstances, AReportOnTheOtherInstanceFindsItsMessageAndItsReceiptTheClient) {
  up(a_, "carrier:up1", 11);
  up(b_, "carrier:up1", 21);
  up(b_, "client:alice", 22);
  settle();
  const auto s = only<send>(post(a_, driver::make_submit(text_message())));
  post(a_, sent(s, "c77"));
  b_.seen.clear();
  const auto answer = only<report_done>(post(b_, delivery("c77")));
  EXPECT_EQ(answer.outcome, report_outcome::passed_on);
  settle();
  const auto m = b_.work->find(s.id);
  ASSERT_TRUE(m && *m);
  EXPECT_EQ((*m)->progress.state, message_state::delivered);
  const auto receipts = taken<send>(b_);
  ASSERT_EQ(receipts.size(), 1u);
  EXPECT_EQ(receipts[0].content->receipt->receipt_of, s.id);
  EXPECT_EQ(receipts[0].link, 22u);
  EXPECT_TRUE(all<report_done>(a_.seen).empty()) << "answered once";
}

TEST_F(TwoInstances, AReportNobodyKnowsIsPassedOnOnceAndNotBack) {
  const auto answer = only<report_done>(post(b_, delivery("nobody")));
  EXPECT_EQ(answer.outcome, report_outcome::passed_on);
  settle();
  EXPECT_EQ(a_.work->state().stats().reports_unmatched, 1u);
  EXPECT_EQ(a_.work->state().stats().reports_passed_on, 0u);
}

TEST_F(TwoInstances, AReportForOneThatHasGoneWaitsForWhoTakesItsMessages) {
  up(a_, "carrier:up1", 11);
  const auto s = only<send>(post(a_, driver::make_submit(text_message())));
  post(a_, sent(s, "c78"));
  settle();
  // The report comes while gw1 still counts as alive, and is not read there any more.
  post(b_, delivery("c78"));
  stop(a_);
  for (int i = 0; i < 3; ++i) {
    now_ += 15s;
    run(b_);
  }
  const auto m = b_.work->find(s.id);
  ASSERT_TRUE(m && *m);
  EXPECT_EQ((*m)->progress.state, message_state::delivered);
}

TEST_F(TwoInstances, ACopyAtTheOtherInstanceIsOne) {
  const auto first = only<accepted>(post(a_, with(inbound(), {.duplicate_id = "SM1"})));
  const auto again = only<accepted>(post(b_, with(inbound(), {.duplicate_id = "SM1"})));
  EXPECT_EQ(again.id, first.id);
  EXPECT_FALSE(again.is_new);
}

TEST_F(TwoInstances, AnIdempotencyKeyHoldsForBoth) {
  const auto keyed = [](std::string digest) {
    return with(text_message(), {.idempotency_key = "k", .request_digest = std::move(digest)});
  };
  const auto first = only<accepted>(post(a_, keyed("d")));
  EXPECT_EQ(only<accepted>(post(b_, keyed("d"))).id, first.id);
  EXPECT_EQ(only<refused>(post(b_, keyed("other"))).reason, refusal::conflict);
}

TEST_F(TwoInstances, ALimitIsNotExceededTogether) {
  account_rules r;
  r.limits.day = 7;
  set_rules({{"client:alice", r}});
  std::size_t ok = 0;
  for (int i = 0; i < 12; ++i) ok += all<accepted>(post(i % 2 == 0 ? a_ : b_, driver::make_submit(text_message()))).size();
  EXPECT_EQ(ok, 7u);
}

TEST_F(TwoInstances, PartsOfAMessageMeet) {
  account_rules r;
  r.whole_messages = true;
  set_rules({{"carrier:up1", r}});
  up(b_, "client:alice", 20);
  settle();
  b_.seen.clear();
  const auto part = [](std::uint8_t number, std::string text) {
    submit_extras x;
    x.piece = submit_extras::part{.reference = 5, .count = 3, .number = number};
    return with(inbound(std::move(text)), std::move(x));
  };
  const auto id = only<accepted>(post(a_, part(2, "b"))).id;
  EXPECT_EQ(only<accepted>(post(b_, part(3, "c"))).id, id);
  EXPECT_EQ(only<accepted>(post(a_, part(1, "a"))).id, id);
  settle();
  const auto sends = taken<send>(b_);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(std::string(sends[0].content->body.begin(), sends[0].content->body.end()), "abc");
}

TEST_F(TwoInstances, AnOptOutAtOneHoldsAtTheOtherAndWithdrawsWhatWaitsThere) {
  set_rules({}, {{.name = "shop", .numbers = {our_number}, .keywords = {*built_in_keywords("en")}}});
  const auto out = text_message("46701234567");
  const auto waiting = only<accepted>(post(a_, driver::make_submit(out))).id;
  post(b_, with(inbound("STOP"), {.text = "STOP"}));
  EXPECT_EQ(only<refused>(post(a_, driver::make_submit(out))).reason, refusal::blocked);
  settle();
  EXPECT_EQ((*a_.work->find(waiting))->progress.state, message_state::rejected);
}

TEST_F(TwoInstances, AClientThatLeftIsNotSentTo) {
  up(b_, "client:alice", 20);
  settle();
  down(b_, "client:alice", 20);
  settle();
  post(a_, driver::make_submit(inbound()));
  settle();
  EXPECT_EQ(a_.work->state().active(), 1u) << "stays where it is";
  up(a_, "client:alice", 10);
  EXPECT_EQ(taken<send>(a_).size(), 1u);
}

TEST_F(TwoInstances, ARestartedInstanceHasNoLinksUntilItsClientsBind) {
  up(b_, "client:alice", 20);
  settle();
  start(b_, "gw2");
  settle();
  post(a_, driver::make_submit(inbound()));
  settle();
  EXPECT_EQ(a_.work->state().active(), 1u);
}

TEST_F(TwoInstances, WhatWasGivenToOneThatDiedIsTakenBack) {
  up(b_, "client:alice", 20);
  settle();
  const auto id = only<accepted>(post(a_, driver::make_submit(inbound()))).id;
  EXPECT_EQ(a_.work->state().stats().given_away, 1u);
  stop(b_);
  for (int i = 0; i < 3; ++i) {
    now_ += 15s;
    run(a_);
  }
  EXPECT_NE(a_.work->state().find(id), nullptr);
  up(a_, "client:alice", 10);
  EXPECT_EQ(taken<send>(a_).size(), 1u);
}
