#include <gtest/gtest.h>

#include "driver.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

core_options plain_backoff() {
  core_options o;
  o.retry = {.initial = 10s, .maximum = 60s, .factor = 2.0, .jitter = 0.0};
  o.attempts_max = 3;
  return o;
}

}  // namespace

TEST(CoreRetry, TemporaryFailureIsRetriedWithBackOff) {
  driver d{plain_backoff()};
  d.up("carrier:up1");
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  EXPECT_TRUE(all<send>(d.post(outcome(first, attempt_outcome::temporary, 0x14, "queue full"))).empty());
  EXPECT_EQ(d.stored_state(first.id), message_state::queued);
  EXPECT_EQ(d.state().next_deadline(), t0 + 10s);
  const auto second = only<send>(d.pass(10s));
  EXPECT_EQ(second.attempt, 2u);
  d.post(outcome(second, attempt_outcome::temporary, 0x14));
  EXPECT_EQ(d.state().next_deadline(), d.now() + 20s);
}

TEST(CoreRetry, AttemptsThatAreUsedUpEndAsUndeliveredWithAReceipt) {
  driver d{plain_backoff()};
  d.up("carrier:up1");
  d.up("client:alice", 10, 2);
  auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::temporary, 8));
  s = only<send>(d.pass_to_deadline());
  d.post(outcome(s, attempt_outcome::temporary, 8));
  s = only<send>(d.pass_to_deadline());
  const auto receipt = only<send>(d.post(outcome(s, attempt_outcome::temporary, 8, "system error")));
  EXPECT_EQ(d.stored_state(s.id), message_state::undelivered);
  ASSERT_TRUE(receipt.content->receipt);
  EXPECT_EQ(receipt.content->receipt->state, message_state::undelivered);
  EXPECT_EQ(receipt.content->receipt->error_code, 8u);
  EXPECT_EQ(receipt.content->receipt->receipt_of, s.id);
}

TEST(CoreRetry, PermanentRefusalEndsAsRejected) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::permanent, 0x0B, "invalid destination"));
  const auto m = d.stored(s.id);
  EXPECT_EQ(m.progress.state, message_state::rejected);
  EXPECT_TRUE(m.progress.settled);
  EXPECT_EQ(m.progress.error, (message_error{error_class::permanent, 0x0B, "invalid destination"}));
}

TEST(CoreRetry, ValidityEndsRetries) {
  driver d{plain_backoff()};
  d.up("carrier:up1");
  auto c = text_message();
  c.valid_until = t0 + 5s;
  const auto s = only<send>(d.post(d.make_submit(c)));
  d.post(outcome(s, attempt_outcome::temporary, 8));
  EXPECT_EQ(d.state().next_deadline(), t0 + 5s);
  EXPECT_TRUE(all<send>(d.pass(5s)).empty());
  EXPECT_EQ(d.stored_state(s.id), message_state::expired);
}

TEST(CoreRetry, ValidityDoesNotCutAnAttemptShort) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.valid_until = t0 + 5s;
  const auto s = only<send>(d.post(d.make_submit(c)));
  d.pass(10s);
  EXPECT_EQ(d.stored_state(s.id), message_state::sending);
  d.post(sent(s));
  EXPECT_EQ(d.stored_state(s.id), message_state::sent);
}

TEST(CoreRetry, ThrottlingPausesTheEndpointAndKeepsThePlace) {
  driver d{plain_backoff()};
  d.up("carrier:up1", 1);
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  d.post(d.make_submit(text_message()));
  EXPECT_TRUE(all<send>(d.post(outcome(first, attempt_outcome::throttled, 0x58))).empty());
  EXPECT_TRUE(all<send>(d.pass(999ms)).empty());
  EXPECT_EQ(d.state().next_deadline(), t0 + 1s);
  auto again = only<send>(d.pass(1ms));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(d.stored(first.id).progress.failures, 0u);
  d.post(outcome(again, attempt_outcome::throttled, 0x58));
  EXPECT_EQ(d.state().next_deadline(), d.now() + 2s) << "the pause doubles";
  for (int i = 0; i < 10; ++i) d.post(outcome(only<send>(d.pass_to_deadline()), attempt_outcome::throttled, 0x58));
  EXPECT_EQ(d.state().next_deadline(), d.now() + 30s) << "and stops growing";
  EXPECT_EQ(d.stored(first.id).progress.failures, 0u);
  d.post(sent(only<send>(d.pass_to_deadline())));
  EXPECT_EQ(d.state().endpoints()[0].paused_until, msgkit::wall_time{});
}

TEST(CoreRetry, AWindowFullOfThrottlesPausesOnce) {
  driver d;
  d.up("carrier:up1", 3);
  const auto sends = all<send>(d.post(d.make_submit(text_message()), d.make_submit(text_message()),
                                      d.make_submit(text_message())));
  ASSERT_EQ(sends.size(), 3u);
  for (const auto& s : sends) d.post(outcome(s, attempt_outcome::throttled));
  EXPECT_EQ(d.state().next_deadline(), t0 + 1s);
}

TEST(CoreRetry, UnknownOutcomeIsResentAndRecordedByDefault) {
  driver d{plain_backoff()};
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::unknown, 0, "no answer"));
  EXPECT_EQ(kinds(d.stored(s.id)).back(), event_kind::attempt_unknown);
  EXPECT_EQ(only<send>(d.pass_to_deadline()).attempt, 2u);
}

TEST(CoreRetry, UnknownOutcomeFailsWhereThePolicySaysSo) {
  auto o = plain_backoff();
  o.endpoints["carrier:up1"].on_unknown = unknown_policy::fail;
  driver d{o};
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::unknown, 0, "no answer"));
  EXPECT_EQ(d.stored_state(s.id), message_state::unknown);
  EXPECT_EQ(d.state().stats().receipts_created, 1u);
}

TEST(CoreRetry, NotSentKeepsThePlaceAndCountsNothing) {
  driver d{plain_backoff()};
  d.up("carrier:up1", 1);
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  d.post(d.make_submit(text_message()));
  const auto again = only<send>(d.post(outcome(first, attempt_outcome::not_sent)));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(d.stored(first.id).progress.failures, 0u);
}

TEST(CoreRetry, NotSentOverAndOverDoesNotSpin) {
  driver d;
  d.up("carrier:up1");
  auto s = only<send>(d.post(d.make_submit(text_message())));
  for (int i = 0; i < 3; ++i) s = only<send>(d.post(outcome(s, attempt_outcome::not_sent)));
  EXPECT_TRUE(all<send>(d.post(outcome(s, attempt_outcome::not_sent))).empty());
  EXPECT_EQ(d.state().next_deadline(), t0 + 1s);
}

TEST(CoreRetry, ReroutesOnEveryAttempt) {
  driver d{plain_backoff(), routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  d.up("carrier:a", 10, 1);
  d.up("carrier:b", 10, 2);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  EXPECT_EQ(s.link, 1u);
  d.post(outcome(s, attempt_outcome::temporary), link_state{"carrier:a", 1, 7, false, 0});
  EXPECT_EQ(only<send>(d.pass_to_deadline()).link, 2u);
}

TEST(CoreRetry, WeightedTargetsChangeBetweenAttempts) {
  auto o = plain_backoff();
  o.attempts_max = 100;
  driver d{o, routes({to({{"carrier:a", 0}, {"carrier:b", 0}})})};
  d.up("carrier:a", 10, 1);
  d.up("carrier:b", 10, 2);
  std::map<std::uint64_t, int> per_link;
  auto s = only<send>(d.post(d.make_submit(text_message())));
  for (int i = 0; i < 30; ++i) {
    ++per_link[s.link];
    d.post(outcome(s, attempt_outcome::temporary));
    s = only<send>(d.pass_to_deadline());
  }
  EXPECT_GT(per_link[1], 5);
  EXPECT_GT(per_link[2], 5);
}

TEST(CoreRetry, KeepsAcceptedSegmentsAndStaysWithTheirCarrier) {
  driver d{plain_backoff(), routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  d.up("carrier:a", 10, 1);
  d.up("carrier:b", 10, 2);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  auto half = outcome(s, attempt_outcome::temporary, 0x14);
  half.segments = {{true, true, "p1"}, {false, false, ""}};
  d.post(half, link_state{"carrier:a", 1, 7, false, 0});
  EXPECT_TRUE(all<send>(d.pass_to_deadline()).empty()) << "the other carrier cannot complete it";
  const auto again = only<send>(d.up("carrier:a", 10, 3));
  ASSERT_EQ(again.segments.size(), 2u);
  EXPECT_TRUE(again.segments[0].accepted);
  EXPECT_FALSE(again.segments[1].accepted);
}

TEST(CoreRetry, ResultsThatMatchNoAttemptAreIgnored) {
  driver d{plain_backoff()};
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::temporary));
  const auto before = d.store().image();
  d.post(sent(s), outcome(send{.id = message_id{5}}, attempt_outcome::sent));
  EXPECT_EQ(d.store().image(), before);
  EXPECT_EQ(d.state().stats().results_stale, 2u);
}
