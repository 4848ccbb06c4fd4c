#include <gtest/gtest.h>

#include "driver.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

core_options three_strikes() {
  core_options o;
  o.breaker = {.failures = 3, .open = 10s, .open_maximum = 40s, .tries = 1};
  o.retry = {.initial = 1h, .maximum = 1h, .factor = 1.0, .jitter = 0.0};
  return o;
}
// Sends one message each and fails it.
void fail(driver& d, int times, attempt_outcome o = attempt_outcome::temporary) {
  for (int i = 0; i < times; ++i) d.post(outcome(only<send>(d.post(d.make_submit(text_message()))), o));
}
breaker_state state_of(driver& d, std::string_view name) {
  for (const auto& e : d.state().endpoints())
    if (e.name == name) return e.breaker;
  return breaker_state::closed;
}

}  // namespace

TEST(CircuitBreaker, OpensAfterFailuresInARowAndSendsToTheOtherCarrier) {
  driver d{three_strikes(), routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  d.up("carrier:a", 10, 1);
  d.up("carrier:b", 10, 2);
  fail(d, 3);
  EXPECT_EQ(state_of(d, "carrier:a"), breaker_state::open);
  EXPECT_EQ(only<send>(d.post(d.make_submit(text_message()))).link, 2u);
  EXPECT_EQ(d.state().stats().breaker_opened, 1u);
}

TEST(CircuitBreaker, RefusalsForGoodAndThrottlingAreNoFailuresOfTheCarrier) {
  driver d{three_strikes()};
  d.up("carrier:up1");
  fail(d, 2);
  fail(d, 1, attempt_outcome::permanent);
  fail(d, 2, attempt_outcome::unknown);
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::closed);
  fail(d, 1, attempt_outcome::unknown);
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::open);
}

TEST(CircuitBreaker, TriesOneWhenItsTimeIsOverAndClosesWhenThatWorks) {
  driver d{three_strikes()};
  d.up("carrier:up1");
  fail(d, 3);
  const auto first = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.post(d.make_submit(text_message()), d.make_submit(text_message()));
  EXPECT_TRUE(all<send>(d.pass(9s)).empty());
  const auto trial = only<send>(d.pass(1s));
  EXPECT_EQ(trial.id, first);
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::half_open);
  EXPECT_EQ(all<send>(d.post(sent(trial))).size(), 2u);
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::closed);
}

TEST(CircuitBreaker, RestsTwiceAsLongWhenTheTrialFails) {
  driver d{three_strikes()};
  d.up("carrier:up1");
  fail(d, 3);
  d.post(d.make_submit(text_message()), d.make_submit(text_message()));
  d.post(outcome(only<send>(d.pass(10s)), attempt_outcome::temporary));
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::open);
  EXPECT_TRUE(all<send>(d.pass(19s)).empty());
  EXPECT_EQ(all<send>(d.pass(1s)).size(), 1u);
}

TEST(CircuitBreaker, WakesByItself) {
  driver d{three_strikes()};
  d.up("carrier:up1");
  fail(d, 3);
  EXPECT_EQ(d.state().next_deadline(), d.now() + 10s);
}

TEST(CircuitBreaker, ZeroFailuresMeansNever) {
  auto o = three_strikes();
  o.breaker.failures = 0;
  driver d{o};
  d.up("carrier:up1");
  fail(d, 50);
  EXPECT_EQ(state_of(d, "carrier:up1"), breaker_state::closed);
}
