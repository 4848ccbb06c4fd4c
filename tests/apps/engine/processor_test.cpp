#include "engine/processor.hpp"

#include <gtest/gtest.h>

#include "driver.hpp"
#include "msgkit/core/backoff.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

// ---- restart in each state ----------------------------------------------------------------------------------------

TEST(Restart, QueuedMessageIsSent) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.restart();
  const auto s = only<send>(d.up("carrier:up1"));
  EXPECT_EQ(s.id, id);
  EXPECT_EQ(s.content->body, text_message().body);
}

TEST(Restart, DelayedMessageWaitsForItsTime) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(outcome(s, attempt_outcome::temporary));
  const auto at = d.state().next_deadline();
  d.restart();
  EXPECT_EQ(d.state().next_deadline(), at);
  EXPECT_TRUE(all<send>(d.up("carrier:up1")).empty());
  EXPECT_EQ(only<send>(d.pass_to_deadline()).attempt, 2u);
}

TEST(Restart, SendingMessageIsUnknownAndResent) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.restart();
  const auto m = d.stored(s.id);
  EXPECT_EQ(m.progress.state, message_state::queued);
  EXPECT_EQ(m.progress.failures, 1u);
  const auto k = kinds(m);
  EXPECT_EQ(k[k.size() - 2], event_kind::recovered);
  EXPECT_EQ(k.back(), event_kind::attempt_unknown);
  d.up("carrier:up1");
  EXPECT_EQ(only<send>(d.pass_to_deadline()).attempt, 2u);
}

TEST(Restart, SendingMessageFailsWhereThePolicySaysSo) {
  driver d{{.on_unknown = unknown_policy::fail}};
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.restart();
  EXPECT_EQ(d.stored_state(s.id), message_state::unknown);
  EXPECT_EQ(d.state().active(), 1u) << "the receipt";
}

TEST(Restart, SentMessageStillAwaitsItsReport) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(sent(s, "abc"));
  const auto at = d.state().next_deadline();
  d.restart();
  EXPECT_EQ(d.state().next_deadline(), at);
  d.post(delivery("abc"));
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
}

TEST(Restart, FinalMessagesStayFinalAndFindable) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.receipt_wanted = 0;
  const auto s = only<send>(d.post(d.make_submit(c)));
  d.post(outcome(s, attempt_outcome::permanent));
  d.restart();
  EXPECT_EQ(d.state().active(), 0u);
  EXPECT_EQ(d.stored_state(s.id), message_state::rejected);
}

TEST(Restart, IdsContinueEvenWhenTheClockSteppedBack) {
  driver d;
  const auto before = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.set_now(t0 - 1h);
  d.restart();
  EXPECT_GT(only<accepted>(d.post(d.make_submit(text_message()))).id, before);
}

// ---- the store fails ----------------------------------------------------------------------------------------------

class StoreFailure : public ::testing::TestWithParam<memory_store::failure> {};

TEST_P(StoreFailure, RefusesTheBatchAndReleasesNothing) {
  driver d;
  d.up("carrier:up1");
  d.store().fail_commit(1, GetParam());
  const auto out = d.post(d.make_submit(text_message(), 1), d.make_submit(text_message(), 2));
  ASSERT_EQ(all<refused>(out).size(), 2u);
  for (const auto& r : all<refused>(out)) EXPECT_EQ(r.reason, refusal::store_unavailable);
  EXPECT_TRUE(all<accepted>(out).empty());
  EXPECT_TRUE(all<send>(out).empty());
  EXPECT_TRUE(d.work().store_faulted());
}

TEST_P(StoreFailure, RefusesEverythingUntilRecoveredWithBackOff) {
  driver d;
  d.up("carrier:up1");
  d.store().fail_commit(1, GetParam(), 2);
  d.post(d.make_submit(text_message()));
  EXPECT_EQ(only<refused>(d.post(d.make_submit(text_message()))).reason, refusal::store_unavailable);
  EXPECT_EQ(only<refused>(d.post(delivery("x"))).reason, refusal::store_unavailable);
  int tries = 0;
  wall_time last = d.now();
  while (d.work().store_faulted() && tries < 10) {
    EXPECT_GT(d.work().next_deadline(), last);
    last = d.work().next_deadline();
    d.set_now(last);
    d.run();
    ++tries;
  }
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(d.store().size(), 0u) << "what was refused is not there";
  only<send>(d.post(d.make_submit(text_message())));
}

TEST_P(StoreFailure, RepliesToEarlyReportsThatWait) {
  driver d;
  d.up("carrier:up1");
  only<send>(d.post(d.make_submit(text_message())));
  d.post(delivery("early", message_state::delivered, "carrier:up1", 5));
  d.store().fail_commit(1, GetParam());
  const auto out = d.post(delivery("other", message_state::delivered, "carrier:up1", 6), d.make_submit(text_message(), 7));
  std::vector<std::uint64_t> tokens;
  for (const auto& r : all<refused>(out)) tokens.push_back(r.token.value);
  std::ranges::sort(tokens);
  EXPECT_EQ(tokens, (std::vector<std::uint64_t>{5, 6, 7}));
}

TEST_P(StoreFailure, ResultsOfAttemptsAreNotLost) {
  driver d;
  d.up("carrier:up1");
  const auto a = only<send>(d.post(d.make_submit(text_message())));
  const auto b = only<send>(d.post(d.make_submit(text_message())));
  const auto c = only<send>(d.post(d.make_submit(text_message())));
  d.store().fail_commit(1, GetParam());
  d.post(sent(a, "in the failed batch"));
  EXPECT_TRUE(d.work().store_faulted());
  d.post(sent(b, "while faulted"));
  d.set_now(d.work().next_deadline());
  d.run();
  EXPECT_FALSE(d.work().store_faulted());
  EXPECT_EQ(d.stored(a.id).progress.segments.at(0).carrier_id, "in the failed batch");
  EXPECT_EQ(d.stored(b.id).progress.segments.at(0).carrier_id, "while faulted");
  EXPECT_EQ(d.state().in_flight(), 1u);
  d.post(sent(c, "afterwards"));
  EXPECT_EQ(d.stored_state(c.id), message_state::sent);
  EXPECT_EQ(d.state().stats().results_stale, GetParam() == memory_store::failure::in_doubt ? 1u : 0u);
}

TEST_P(StoreFailure, WhoStopsMeanwhileWaitsForWhatIsOnTheWire) {
  driver d;
  d.up("carrier:up1");
  const auto a = only<send>(d.post(d.make_submit(text_message())));
  d.store().fail_commit(1, GetParam());
  d.post(drain{});
  EXPECT_TRUE(d.work().store_faulted());
  EXPECT_EQ(d.work().unsettled_attempts(), 1u);
  d.post(sent(a, "taken"));
  EXPECT_GT(d.work().unsettled_attempts(), 0u) << "the store does not know";
  d.set_now(d.work().next_deadline());
  d.run();
  EXPECT_EQ(d.work().unsettled_attempts(), 0u);
  EXPECT_EQ(d.stored_state(a.id), message_state::sent);
}

TEST_P(StoreFailure, AttemptsNeverReleasedAreMadeAnewAndCountNothing) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.store().fail_commit(1, GetParam());
  EXPECT_TRUE(all<send>(d.up("carrier:up1")).empty());
  d.set_now(d.work().next_deadline());
  const auto s = only<send>(d.run());
  EXPECT_EQ(s.id, id);
  EXPECT_EQ(d.stored(id).progress.failures, 0u);
}

TEST_P(StoreFailure, LinksLostMeanwhileMakeTheirAttemptsUnknown) {
  driver d;
  d.up("carrier:up1", 10, 1);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.store().fail_commit(1, GetParam());
  d.post(d.make_submit(text_message()));
  d.down("carrier:up1", 1);
  d.set_now(d.work().next_deadline());
  d.run();
  EXPECT_EQ(d.stored_state(s.id), message_state::queued);
  EXPECT_EQ(kinds(d.stored(s.id)).back(), event_kind::attempt_unknown);
}

TEST_P(StoreFailure, LinkLostInTheFailedBatchMakesItsAttemptsUnknown) {
  driver d{{.on_unknown = unknown_policy::fail}};
  d.up("carrier:up1", 10, 1);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.store().fail_commit(1, GetParam());
  d.down("carrier:up1", 1);
  d.set_now(d.work().next_deadline());
  d.run();
  EXPECT_EQ(d.stored_state(s.id), message_state::unknown);
  EXPECT_EQ(d.state().active(), 1u) << "exactly one receipt";
}

TEST_P(StoreFailure, AReceiptOfTheFailedBatchExistsExactlyOnceAfterTheReportIsRepeated) {
  driver d;
  d.up("carrier:up1");
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.post(sent(s, "abc"));
  d.store().fail_commit(1, GetParam());
  EXPECT_EQ(only<refused>(d.post(delivery("abc"))).reason, refusal::store_unavailable);
  d.set_now(d.work().next_deadline());
  d.run();
  only<report_done>(d.post(delivery("abc")));
  EXPECT_EQ(d.stored_state(s.id), message_state::delivered);
  EXPECT_EQ(all<send>(d.up("client:alice", 10, 2)).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(CleanAndInDoubt, StoreFailure,
                         ::testing::Values(memory_store::failure::clean, memory_store::failure::in_doubt),
                         [](const auto& i) { return i.param == memory_store::failure::clean ? "clean" : "in_doubt"; });

TEST(Retention, RemovesOldSettledMessagesOnly) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.receipt_wanted = 0;
  const auto old = only<send>(d.post(d.make_submit(c)));
  d.post(outcome(old, attempt_outcome::permanent));
  c.valid_until = t0 + 24h * 365;
  c.schedule_at = t0 + 24h * 200;
  const auto waiting = only<accepted>(d.post(d.make_submit(c))).id;
  d.pass(24h * 31);
  const auto found = d.work().find(old.id);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->has_value());
  EXPECT_EQ(d.stored_state(waiting), message_state::queued);
}

// ---- determinism --------------------------------------------------------------------------------------------------

namespace {

byte_vector random_run(std::uint64_t seed) {
  core_options options;
  options.attempts_max = 4;
  driver d{options, routes({to({{"carrier:up1", 0, 2}, {"carrier:up2", 0, 1}})})};
  d.up("carrier:up1", 4, 1);
  d.up("carrier:up2", 4, 2);
  d.up("client:alice", 2, 3);
  std::vector<send> open;
  byte_vector trace;
  std::uint64_t ids = 0;
  const auto take = [&](const std::vector<action>& out) {
    for (const auto& s : all<send>(out)) {
      open.push_back(s);
      append_big(trace, s.id.key());
      append_big(trace, s.link);
    }
  };
  for (int step = 0; step < 3'000; ++step) {
    seed = mix(seed);
    const auto pick = seed % 10;
    if (pick < 4 || open.empty()) {
      auto c = text_message(std::to_string(seed % 1'000'000));
      c.priority = static_cast<std::uint8_t>(seed >> 20 & 3);
      take(d.post(d.make_submit(c)));
    } else if (pick < 8) {
      const std::size_t i = seed / 16 % open.size();
      const auto s = open[i];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      const auto o = s.content->kind == message_kind::receipt ? attempt_outcome::delivered
                                                               : static_cast<attempt_outcome>(seed / 4096 % 7);
      if (o == attempt_outcome::sent) take(d.post(sent(s, "c" + std::to_string(++ids))));
      else take(d.post(outcome(s, o)));
    } else if (pick == 8) {
      take(d.post(delivery("c" + std::to_string(ids == 0 ? 0 : seed / 64 % ids + 1),
                           seed & 64 ? message_state::delivered : message_state::undelivered,
                           seed & 128 ? "carrier:up1" : "carrier:up2")));
    } else {
      take(d.pass(std::chrono::milliseconds{seed / 64 % 20'000}));
    }
  }
  append(trace, bytes_view{d.store().image()});
  return trace;
}

}  // namespace

TEST(Determinism, TheSameEventsGiveTheSameRecordsAndActions) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) EXPECT_EQ(random_run(seed), random_run(seed)) << seed;
  EXPECT_NE(random_run(1), random_run(2));
}
