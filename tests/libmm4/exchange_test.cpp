#include "msgkit/mm4/exchange.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4 {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

forward_req sample(const std::string& id = "t") {
  forward_req m;
  m.transaction_id = id;
  m.message_id = "m@x";
  m.from = *parse_address("+12025550100");
  m.to = *parse_address_list("+12025550101");
  m.ack_request = true;
  m.originator_system = "sys@peer.example";
  return m;
}
forward_res answer(const std::string& id, request_status status = request_status::ok) {
  forward_res r;
  r.transaction_id = id;
  r.message_id = "another id of the peer";
  r.status = status;
  return r;
}

TEST(Exchange, FindsTheRequestOfAResponseByTransactionIdAlone) {
  exchange x;
  ASSERT_TRUE(x.open(sample("a"), 1, start));
  ASSERT_TRUE(x.open(sample("b"), 2, start));
  const auto ack = x.close(answer("b", request_status::content_not_accepted));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->cookie, 2u);
  EXPECT_EQ(ack->status, request_status::content_not_accepted);
  EXPECT_EQ(x.open_count(), 1u);
}

// Case 27
TEST(Exchange, IgnoresResponsesNobodyAskedFor) {
  exchange x;
  EXPECT_EQ(x.close(answer("a")).error().code, errc::transaction_unknown);
  ASSERT_TRUE(x.open(sample("a"), 1, start));
  EXPECT_TRUE(x.close(answer("a")));
  EXPECT_EQ(x.close(answer("a")).error().code, errc::transaction_unknown);
  ASSERT_TRUE(x.open(sample("b"), 1, start));
  delivery_report_res wrong;
  wrong.transaction_id = "b";
  EXPECT_EQ(x.close(wrong).error().code, errc::transaction_unknown);
}

TEST(Exchange, KeepsNothingWithoutAnAckRequest) {
  exchange x;
  auto m = sample();
  m.ack_request = false;
  EXPECT_TRUE(x.open(m, 1, start));
  EXPECT_EQ(x.open_count(), 0u);
}

TEST(Exchange, RefusesWhatItCannotTellApart) {
  exchange x({.window_size = 2});
  ASSERT_TRUE(x.open(sample("a"), 1, start));
  EXPECT_EQ(x.open(sample("a"), 2, start).error().code, errc::transaction_open);
  EXPECT_EQ(x.open(sample(""), 3, start).error().code, errc::cannot_correlate);
  ASSERT_TRUE(x.open(sample("b"), 4, start));
  EXPECT_EQ(x.open(sample("c"), 5, start).error().code, errc::window_full);
  x.withdraw("a");
  EXPECT_TRUE(x.open(sample("c"), 6, start));
}

TEST(Exchange, TellsWhichRequestsGotNoAnswer) {
  exchange x({.response_timeout = 10s});
  ASSERT_TRUE(x.open(sample("a"), 1, start));
  ASSERT_TRUE(x.open(sample("b"), 2, start + 5s));
  EXPECT_EQ(x.next_deadline(), start + 10s);
  EXPECT_FALSE(x.next_timeout(start + 9s));
  const auto lost = x.next_timeout(start + 10s);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->cookie, 1u);
  EXPECT_EQ(lost->error, errc::response_timeout);
  EXPECT_FALSE(x.next_timeout(start + 10s));
  EXPECT_EQ(x.next_deadline(), start + 15s);
}

TEST(Exchange, ARepetitionIsNotDeliveredAgainAndGetsTheSameAnswer) {
  exchange x;
  const message m = sample();
  const auto first = x.receive("peer", m, {"+12025550101@own", "+12025550102@own"}, {}, start);
  EXPECT_TRUE(first.is_new());
  EXPECT_EQ(first.respond_to, "sys@peer.example");
  x.answered("peer", m, "+12025550101@own", request_status::ok);
  message again = sample("another transaction");
  const auto second = x.receive("peer", again, {"+12025550101@OWN"}, {}, start + 1s);
  EXPECT_FALSE(second.is_new());
  EXPECT_EQ(second.recipients[0].answered, request_status::ok);
  EXPECT_TRUE(x.receive("peer", again, {"+12025550103@own"}, {}, start + 1s).is_new());
  EXPECT_TRUE(x.receive("other peer", m, {"+12025550101@own"}, {}, start).is_new());
}

TEST(Exchange, WhatCouldNotBeStoredIsNewTheNextTime) {
  exchange x;
  const message m = sample();
  (void)x.receive("peer", m, {"a@b"}, {}, start);
  x.forget("peer", m, "a@b");
  EXPECT_TRUE(x.receive("peer", m, {"a@b"}, {}, start).is_new());
}

TEST(Exchange, ForgetsTheOldestWhenFullAndTheOldWhenTimePasses) {
  exchange x({.seen_max = 2, .seen_lifetime = 1h});
  auto m = sample();
  for (const auto* id : {"1", "2", "3"}) {
    m.message_id = id;
    EXPECT_TRUE(x.receive("p", m, {"a@b"}, {}, start).is_new());
  }
  m.message_id = "3";
  EXPECT_FALSE(x.receive("p", m, {"a@b"}, {}, start).is_new());
  m.message_id = "1";
  EXPECT_TRUE(x.receive("p", m, {"a@b"}, {}, start).is_new());
  EXPECT_TRUE(x.receive("p", m, {"a@b"}, {}, start + 2h).is_new());
}

TEST(Exchange, TwoReportsAboutOneMessageAreTwo) {
  exchange x;
  delivery_report_req r;
  r.message_id = "m";
  r.transaction_id = "1";
  EXPECT_TRUE(x.receive("p", r, {"a@b"}, {}, start).is_new());
  EXPECT_FALSE(x.receive("p", r, {"a@b"}, {}, start).is_new());
  r.transaction_id = "2";
  EXPECT_TRUE(x.receive("p", r, {"a@b"}, {}, start).is_new());
}

TEST(Exchange, BreaksLoops) {
  exchange x;
  auto m = sample();
  m.forward_counter = 6;
  EXPECT_EQ(x.receive("p", m, {"a@b"}, {}, start).refused, errc::loop_detected);
  m.forward_counter = 1;
  m.previously_sent_by = {"1, +1202/TYPE=PLMN@own.example"};
  EXPECT_EQ(x.receive("p", m, {"a@b"}, {.domain = "own.example"}, start).refused, errc::loop_detected);
  EXPECT_TRUE(x.receive("p", m, {"a@b"}, {.domain = "wn.example"}, start).is_new());
  const auto onward = make_forwarded(sample(), *parse_address("+1202@own.example"), wall_time{});
  EXPECT_EQ(onward.forward_counter, 1u);
  EXPECT_EQ(onward.previously_sent_by.size(), 1u);
}

TEST(Exchange, AnswersOnlyWhoAskedAndCanBeReached) {
  const peer_profile p;
  auto m = sample();
  EXPECT_TRUE(make_response(m, "sys@peer.example", request_status::ok, p, wall_time{}));
  EXPECT_FALSE(make_response(m, "", request_status::ok, p, wall_time{}));
  m.ack_request.reset();
  EXPECT_FALSE(make_response(m, "sys@peer.example", request_status::ok, p, wall_time{}));
  EXPECT_FALSE(make_response(answer("t"), "sys@peer.example", request_status::ok, p, wall_time{}));
}

TEST(Exchange, ReportsSpeakOfTheRecipientToTheSender) {
  auto m = sample();
  m.delivery_report = true;
  m.reply_applic_id = "app";
  const auto r = make_delivery_report(m, m.to.front(), mm_status::retrieved, {.domain = "own.example"}, "new", wall_time{});
  EXPECT_EQ(r.from, m.to.front());
  EXPECT_EQ(r.to.front(), *m.from);
  EXPECT_EQ(r.message_id, "m@x");
  EXPECT_EQ(r.transaction_id, "new");
  EXPECT_EQ(r.applic_id, "app");
  EXPECT_EQ(r.forward_to_originator_ua, true);
  EXPECT_EQ(make_read_reply_report(m, m.to.front(), read_status::deleted, {}, "n", wall_time{}).status, read_status::deleted);
}

}  // namespace
}  // namespace msgkit::mm4
