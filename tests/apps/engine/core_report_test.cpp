#include <gtest/gtest.h>

#include <algorithm>

#include "driver.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

// A message that the carrier took under this id.
message_id sent_message(driver& d, std::string carrier_id, message_content c = text_message()) {
  const auto s = only<send>(d.post(d.make_submit(std::move(c))));
  d.post(sent(s, std::move(carrier_id)));
  return s.id;
}

}  // namespace

TEST(CoreReport, DeliveredEndsTheMessageAndQueuesAReceiptInTheSameCommit) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.reference = "ref-7";
  const auto id = sent_message(d, "abc", c);
  const auto commits = d.store().commits();
  auto r = delivery("abc");
  r.done_at = t0 + 3s;
  EXPECT_EQ(only<report_done>(d.post(r)).outcome, report_outcome::applied);
  EXPECT_EQ(d.store().commits(), commits + 1);
  EXPECT_EQ(d.stored_state(id), message_state::delivered);

  const auto receipt = only<send>(d.up("client:alice", 10, 2));
  EXPECT_EQ(receipt.content->kind, message_kind::receipt);
  EXPECT_EQ(receipt.content->reference, "ref-7");
  EXPECT_EQ(receipt.content->source, text_message().destination);
  EXPECT_EQ(receipt.content->destination, text_message().source);
  ASSERT_TRUE(receipt.content->receipt);
  EXPECT_EQ(receipt.content->receipt->receipt_of, id);
  EXPECT_EQ(receipt.content->receipt->state, message_state::delivered);
  EXPECT_EQ(receipt.content->receipt->done_at, t0 + 3s);
  EXPECT_EQ(receipt.content->receipt->segments_delivered, 1u);
  d.post(outcome(receipt, attempt_outcome::delivered));
  EXPECT_EQ(d.stored_state(receipt.id), message_state::delivered);
  EXPECT_EQ(d.state().active(), 0u);
}

TEST(CoreReport, AMessageMayNameWhoGetsItsReceiptsAndWantOneWhenItIsSent) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.receipts_to = "report:alice";
  c.receipt_wanted = receipt_on_sent | receipt_on_success;
  const auto id = sent_message(d, "abc", c);
  d.restart();
  d.post(delivery("abc"));
  const auto made = all<send>(d.up("report:alice", 10, 5));
  ASSERT_EQ(made.size(), 2u);
  EXPECT_TRUE(made[0].content->receipt->intermediate);
  EXPECT_EQ(made[0].content->receipt->state, message_state::sent);
  EXPECT_EQ(made[1].content->receipt->state, message_state::delivered);
  for (const auto& r : made) {
    EXPECT_EQ(r.content->account, "report:alice");
    EXPECT_EQ(r.content->receipt->receipt_of, id);
    EXPECT_EQ(r.content->receipt->endpoint, "carrier:up1");
    EXPECT_EQ(r.content->receipt->carrier_id, "abc");
  }
}

TEST(CoreReport, TrafficPartsAndReportsAreCountedByEndpoint) {
  driver d;
  d.up("carrier:up1", 10);
  sent_message(d, "abc");
  sent_message(d, "def");
  d.post(delivery("abc"));
  const auto traffic = d.state().traffic();
  ASSERT_EQ(traffic.size(), 1u) << "receipts are not counted";
  EXPECT_EQ(traffic[0].account, "client:alice");
  EXPECT_EQ(traffic[0].endpoint, "carrier:up1");
  EXPECT_EQ(traffic[0].settled[static_cast<std::size_t>(message_state::delivered)], 1u);
  const auto endpoints = d.state().endpoints();
  const auto up = std::ranges::find(endpoints, "carrier:up1", &endpoint_view::name);
  EXPECT_EQ(up->parts, 2u);
  EXPECT_EQ(up->reported[static_cast<std::size_t>(message_state::delivered)], 1u);
}

TEST(CoreReport, TheAgeOfAQueueIsThatOfItsOldestMessage) {
  driver d;
  EXPECT_EQ(d.state().oldest_queued("carrier:up1"), msgkit::wall_time::max());
  d.post(d.make_submit(text_message()));
  d.pass(5s);
  d.post(d.make_submit(text_message()));
  EXPECT_EQ(d.state().oldest_queued("carrier:up1"), t0);
  EXPECT_EQ(d.state().oldest_queued("carrier:nobody"), msgkit::wall_time::max());
}

TEST(CoreReport, ReceiptWaitsForTheClientOverARestart) {
  driver d;
  d.up("carrier:up1");
  sent_message(d, "abc");
  d.post(delivery("abc"));
  d.restart();
  const auto receipt = only<send>(d.up("client:alice", 10, 2));
  EXPECT_EQ(receipt.content->receipt->state, message_state::delivered);
}

TEST(CoreReport, ReceiptExpiresAfterItsOwnValidity) {
  core_options o;
  o.receipt_validity = 1h;
  driver d{o};
  d.up("carrier:up1");
  sent_message(d, "abc");
  d.post(delivery("abc"));
  EXPECT_EQ(d.state().active(), 1u);
  d.pass(1h);
  EXPECT_EQ(d.state().active(), 0u);
}

TEST(CoreReport, NoReceiptWhereNoneIsWanted) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.receipt_wanted = receipt_on_failure;
  sent_message(d, "a", c);
  d.post(delivery("a"));
  EXPECT_EQ(d.state().stats().receipts_created, 0u);
  sent_message(d, "b", c);
  d.post(delivery("b", message_state::undelivered));
  EXPECT_EQ(d.state().stats().receipts_created, 1u);
}

TEST(CoreReport, CarriesTheErrorOfTheCarrier) {
  driver d;
  d.up("carrier:up1");
  const auto id = sent_message(d, "abc");
  auto r = delivery("abc", message_state::undelivered);
  r.code = 34;
  r.text = "absent subscriber";
  d.post(r);
  EXPECT_EQ(d.stored(id).progress.error.code, 34u);
  const auto receipt = only<send>(d.up("client:alice", 10, 2));
  EXPECT_EQ(receipt.content->receipt->error_code, 34u);
  EXPECT_EQ(receipt.content->receipt->error_text, "absent subscriber");
}

TEST(CoreReport, MatchesByTheFormsOfTheCarrier) {
  core_options o;
  o.endpoints["carrier:up1"].ids = {id_form::hex, id_form::decimal};
  driver d{o};
  d.up("carrier:up1");
  const auto id = sent_message(d, "0A1F");
  EXPECT_EQ(only<report_done>(d.post(delivery("9999"))).outcome, report_outcome::unmatched);
  EXPECT_EQ(only<report_done>(d.post(delivery("2591"))).outcome, report_outcome::applied);
  EXPECT_EQ(d.stored_state(id), message_state::delivered);
}

TEST(CoreReport, DoesNotMatchAnotherCarriersId) {
  driver d;
  d.up("carrier:up1");
  const auto id = sent_message(d, "abc");
  EXPECT_EQ(only<report_done>(d.post(delivery("abc", message_state::delivered, "carrier:other"))).outcome,
            report_outcome::unmatched);
  EXPECT_EQ(d.stored_state(id), message_state::sent);
}

TEST(CoreReport, MatchesAfterARestart) {
  driver d;
  d.up("carrier:up1");
  const auto id = sent_message(d, "ABC");
  d.restart();
  EXPECT_EQ(only<report_done>(d.post(delivery("0abc"))).outcome, report_outcome::applied);
  EXPECT_EQ(d.stored_state(id), message_state::delivered);
}

TEST(CoreReport, IntermediateChangesNothingButTheTrace) {
  driver d;
  d.up("carrier:up1");
  const auto id = sent_message(d, "abc");
  auto r = delivery("abc", message_state::sending);
  r.text = "ENROUTE";
  EXPECT_EQ(only<report_done>(d.post(r)).outcome, report_outcome::applied);
  EXPECT_EQ(d.stored_state(id), message_state::sent);
  EXPECT_EQ(kinds(d.stored(id)).back(), event_kind::report);
  EXPECT_EQ(d.state().stats().receipts_created, 0u);
}

TEST(CoreReport, IntermediateReceiptsAreSentWhenWanted) {
  driver d;
  d.up("carrier:up1");
  d.up("client:alice", 10, 2);
  auto c = text_message();
  c.receipt_wanted |= receipt_intermediate;
  sent_message(d, "abc", c);
  const auto receipt = only<send>(d.post(delivery("abc", message_state::sending)));
  EXPECT_TRUE(receipt.content->receipt->intermediate);
}

TEST(CoreReport, RepeatedAndLaterReportsHaveNoEffect) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  auto r = sent(s, "p1");
  r.segments.push_back({true, true, "p2"});
  d.post(r);
  d.post(delivery("p1"));
  EXPECT_EQ(only<report_done>(d.post(delivery("p1"))).outcome, report_outcome::no_effect);
  EXPECT_EQ(only<report_done>(d.post(delivery("p1", message_state::undelivered))).outcome, report_outcome::no_effect);
  d.post(delivery("p2"));
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
  EXPECT_EQ(only<report_done>(d.post(delivery("p2", message_state::undelivered))).outcome, report_outcome::unmatched);
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
}

TEST(CoreReport, AMessageIsFinalWhenAllItsSegmentsAreAndTheWorstCounts) {
  driver d;
  d.up("carrier:up1");
  d.up("client:alice", 10, 2);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  auto r = sent(s, "p1");
  r.segments.push_back({true, true, "p2"});
  r.segments.push_back({true, true, "p3"});
  d.post(r);
  d.post(delivery("p2", message_state::undelivered));
  EXPECT_EQ(d.stored_state(s.id), message_state::sent);
  d.post(delivery("p1"));
  const auto receipt = only<send>(d.post(delivery("p3")));
  EXPECT_EQ(d.stored_state(s.id), message_state::undelivered);
  EXPECT_EQ(receipt.content->receipt->segments_submitted, 3u);
  EXPECT_EQ(receipt.content->receipt->segments_delivered, 2u);
}

TEST(CoreReport, OnlySegmentsThatPromisedAReportAreWaitedFor) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  auto r = sent(s, "p1", false);
  r.segments.push_back({true, true, "p2"});
  d.post(r);
  d.post(delivery("p2"));
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
}

TEST(CoreReport, WithoutAnyReportToComeSentIsTheEnd) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(sent(s, "p1", false));
  EXPECT_EQ(d.stored_state(s.id), message_state::sent);
  EXPECT_TRUE(d.stored(s.id).progress.settled);
  EXPECT_EQ(d.state().active(), 0u);
}

TEST(CoreReport, AReportThatNeverComesEndsAsUnknown) {
  core_options o;
  o.report_wait = 2h;
  driver d{o};
  d.up("carrier:up1");
  const auto id = sent_message(d, "abc");
  EXPECT_EQ(d.state().next_deadline(), t0 + 2h);
  d.pass(2h);
  EXPECT_EQ(d.stored_state(id), message_state::unknown);
  EXPECT_EQ(d.state().stats().receipts_created, 1u);
}

TEST(CoreReport, DropsTheBodyFromMemoryButNotFromTheStore) {
  driver d;
  d.up("carrier:up1");
  const auto id = sent_message(d, "abc");
  EXPECT_EQ(d.stored(id).content->body, text_message().body);
  d.post(delivery("abc"));
  EXPECT_EQ(d.stored(id).content->body, text_message().body);
}

TEST(CoreEarlyReport, WaitsForTheSubmitAnswer) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  EXPECT_TRUE(d.post(delivery("abc", message_state::delivered, "carrier:up1", 77)).empty()) << "not acknowledged yet";
  const auto done = only<report_done>(d.post(sent(s, "abc")));
  EXPECT_EQ(done.token.value, 77u);
  EXPECT_EQ(done.outcome, report_outcome::applied);
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
  EXPECT_EQ(d.state().stats().early_reports, 0u);
}

TEST(CoreEarlyReport, IntermediateAndFinalAreReplayedInOrder) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(delivery("abc", message_state::sending, "carrier:up1", 1), delivery("abc", message_state::delivered, "carrier:up1", 2),
         delivery("abc", message_state::undelivered, "carrier:up1", 3));
  const auto done = all<report_done>(d.post(sent(s, "abc")));
  ASSERT_GE(done.size(), 2u);
  EXPECT_EQ(done[0].token.value, 1u);
  EXPECT_EQ(done[1].token.value, 2u);
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
  EXPECT_EQ(d.state().stats().early_reports, 0u);
}

TEST(CoreEarlyReport, IsGivenUpOnceNoAttemptCanBeMeant) {
  driver d;
  d.up("carrier:up1");
  const auto a = only<send>(d.post(d.make_submit(text_message())));
  EXPECT_TRUE(d.post(delivery("zzz")).empty());
  const auto b = only<send>(d.post(d.make_submit(text_message())));
  const auto done = only<report_done>(d.post(sent(a, "abc")));
  EXPECT_EQ(done.outcome, report_outcome::unmatched) << "the second attempt began after the report";
  d.post(sent(b, "abd"));
}

TEST(CoreEarlyReport, IsUnmatchedAtOnceWhenNothingIsInFlight) {
  driver d;
  d.up("carrier:up1");
  EXPECT_EQ(only<report_done>(d.post(delivery("zzz"))).outcome, report_outcome::unmatched);
}

// A peer that names our message by our id may have taken it without our seeing the answer.
TEST(CoreEarlyReport, OnWhatWillBeSentAgainIsForLater) {
  driver d;
  d.up("carrier:up1");
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  auto about = delivery(first.id.text());
  about.about = first.id;
  EXPECT_TRUE(d.post(about).empty()) << "the answer may still come";
  const auto no = all<refused>(d.post(attempt_result{
      .id = first.id, .attempt = first.attempt, .outcome = attempt_outcome::unknown, .text = "connection lost"}));
  ASSERT_EQ(no.size(), 1u);
  EXPECT_TRUE(is_temporary(no[0].reason));
  EXPECT_TRUE(is_temporary(only<refused>(d.post(about)).reason)) << "it waits to be sent again";
  d.set_now(d.state().next_deadline());
  const auto second = only<send>(d.run());
  d.post(sent(second, first.id.text()));
  EXPECT_EQ(only<report_done>(d.post(about)).outcome, report_outcome::applied);
  EXPECT_EQ(d.stored_state(first.id), message_state::delivered);
}

TEST(CoreEarlyReport, OnWhatWasNeverSentIsUnmatched) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  auto about = delivery(id.text());
  about.about = id;
  EXPECT_EQ(only<report_done>(d.post(about)).outcome, report_outcome::unmatched);
}

TEST(CoreEarlyReport, ExpiresAndTheTableIsBounded) {
  core_options o;
  o.early_reports_max = 2;
  driver d{o};
  d.up("carrier:up1");
  only<send>(d.post(d.make_submit(text_message())));
  d.post(delivery("x1"), delivery("x2"));
  EXPECT_EQ(only<refused>(d.post(delivery("x3"))).reason, refusal::queue_full);
  EXPECT_EQ(d.state().next_deadline(), t0 + 5min);
  EXPECT_EQ(all<report_done>(d.pass(5min)).size(), 2u);
  EXPECT_EQ(d.state().stats().early_reports, 0u);
}
