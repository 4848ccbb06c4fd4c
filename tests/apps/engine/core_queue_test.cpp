#include <gtest/gtest.h>

#include "driver.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

TEST(CoreQueue, NeverExceedsTheCapacityOfALink) {
  driver d;
  d.up("carrier:up1", 2);
  std::vector<send> sends;
  for (int i = 0; i < 5; ++i)
    for (auto& s : all<send>(d.post(d.make_submit(text_message())))) sends.push_back(s);
  ASSERT_EQ(sends.size(), 2u);
  EXPECT_EQ(d.state().in_flight(), 2u);
  const auto next = all<send>(d.post(sent(sends[0], "c0")));
  EXPECT_EQ(next.size(), 1u);
  EXPECT_EQ(d.state().endpoints()[0].queued, 2u);
}

TEST(CoreQueue, SpreadsOverTheLinksOfAnEndpoint) {
  driver d;
  d.up("carrier:up1", 3, 11);
  d.up("carrier:up1", 3, 12);
  std::map<std::uint64_t, int> per_link;
  for (int i = 0; i < 6; ++i) ++per_link[only<send>(d.post(d.make_submit(text_message()))).link];
  EXPECT_EQ(per_link[11], 3);
  EXPECT_EQ(per_link[12], 3);
}

TEST(CoreQueue, CapacityZeroPausesALink) {
  driver d;
  d.up("carrier:up1", 0);
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  EXPECT_EQ(only<send>(d.up("carrier:up1", 5)).id, id);
}

TEST(CoreQueue, OneEndpointThatIsDownDoesNotHoldUpAnother) {
  driver d{{}, routes({to({{"carrier:a"}}, "46"), to({{"carrier:b"}}, "45")})};
  d.up("carrier:b");
  for (int i = 0; i < 100; ++i) d.post(d.make_submit(text_message("46700000001")));
  EXPECT_EQ(all<send>(d.post(d.make_submit(text_message("45700000001")))).size(), 1u);
}

TEST(CoreQueue, PrefersATargetThatIsUp) {
  driver d{{}, routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  d.up("carrier:b", 10, 2);
  EXPECT_EQ(only<send>(d.post(d.make_submit(text_message()))).link, 2u);
}

TEST(CoreQueue, WaitingMessagesMoveToATargetThatComesUp) {
  driver d{{}, routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  for (int i = 0; i < 3; ++i) d.post(d.make_submit(text_message()));
  auto sends = all<send>(d.up("carrier:b", 10, 2));
  EXPECT_EQ(sends.size(), 3u);
}

TEST(CoreQueue, WaitingMessagesLeaveAnEndpointThatGoesDown) {
  driver d{{}, routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  d.up("carrier:a", 1, 1);
  d.up("carrier:b", 10, 2);
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  d.post(d.make_submit(text_message()), d.make_submit(text_message()));
  EXPECT_EQ(d.state().endpoints()[0].queued, 2u);
  const auto sends = all<send>(d.post(outcome(first, attempt_outcome::not_sent), link_state{"carrier:a", 1, 7, false, 0}));
  EXPECT_EQ(sends.size(), 3u);
  for (const auto& s : sends) EXPECT_EQ(s.link, 2u);
}

TEST(CoreQueue, ManyWaitingMessagesMoveInSlices) {
  driver d{{}, routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  std::vector<event> submits;
  for (int i = 0; i < 10'000; ++i) submits.push_back(d.make_submit(text_message()));
  d.run(std::move(submits));
  std::size_t moved = all<send>(d.up("carrier:b", 20'000, 2)).size();
  int batches = 1;
  for (; d.state().next_deadline() <= d.now() && batches < 10; ++batches) moved += all<send>(d.run()).size();
  EXPECT_EQ(moved, 10'000u);
  EXPECT_EQ(batches, 3);
}

TEST(CoreQueue, NewRoutesApplyToWhatWaits) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.up("carrier:new", 10, 9);
  d.state().set_routes(routes({to({{"carrier:new"}})}));
  EXPECT_EQ(only<send>(d.run()).id, id);
}

TEST(CoreQueue, KeepsAMessageWhoseRouteHasGoneAndTriesAgain) {
  driver d{{.attempts_max = 2}};
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  d.state().set_routes(routes({}));
  d.run();
  EXPECT_EQ(d.stored_state(id), message_state::queued);
  EXPECT_EQ(d.stored(id).progress.error.text, "no route");
  d.pass_to_deadline();
  EXPECT_EQ(d.stored_state(id), message_state::undelivered);
}

TEST(CoreQueue, DrainStartsNothingNewAndLetsAttemptsFinish) {
  driver d;
  d.up("carrier:up1", 1);
  const auto first = only<send>(d.post(d.make_submit(text_message())));
  d.post(d.make_submit(text_message()));
  d.post(drain{});
  EXPECT_TRUE(all<send>(d.post(sent(first))).empty());
  EXPECT_EQ(d.state().in_flight(), 0u);
  const auto late = d.post(d.make_submit(text_message()));
  only<accepted>(late);
  EXPECT_TRUE(all<send>(late).empty());
  d.restart();
  EXPECT_EQ(all<send>(d.up("carrier:up1", 10)).size(), 2u);
}

TEST(CoreQueue, ALinkThatGoesDownTakesItsAttemptsAsUnknown) {
  driver d;
  d.up("carrier:up1", 10, 1);
  const auto s = only<send>(d.post(d.make_submit(text_message())));
  d.down("carrier:up1", 1);
  EXPECT_EQ(d.stored_state(s.id), message_state::queued);
  EXPECT_EQ(kinds(d.stored(s.id)).back(), event_kind::attempt_unknown);
  EXPECT_EQ(d.state().in_flight(), 0u);
}

TEST(CoreQueue, ExpiresWhatWaitedTooLongInSlices) {
  driver d;
  std::vector<event> submits;
  for (int i = 0; i < 6'000; ++i) {
    auto c = text_message();
    c.receipt_wanted = 0;
    c.valid_until = t0 + 1min;
    submits.push_back(d.make_submit(c));
  }
  d.run(std::move(submits));
  EXPECT_EQ(d.state().next_deadline(), t0 + 1min);
  d.pass(1min);
  EXPECT_EQ(d.state().active(), 6'000u - 4'096u);
  EXPECT_LE(d.state().next_deadline(), d.now());
  d.run();
  EXPECT_EQ(d.state().active(), 0u);
  EXPECT_EQ(d.state().stats().settled[static_cast<std::size_t>(message_state::expired)], 6'000u);
}
