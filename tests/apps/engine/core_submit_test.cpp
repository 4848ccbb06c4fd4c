#include <gtest/gtest.h>

#include "driver.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

TEST(CoreSubmit, IsStoredAsSendingBeforeItIsAnsweredAndSent) {
  driver d;
  d.up("carrier:up1");
  const auto out = d.post(d.make_submit(text_message(), 99));
  const auto ok = only<accepted>(out);
  const auto s = only<send>(out);
  EXPECT_EQ(ok.token, (ingress_token{3, 99}));
  EXPECT_EQ(s.id, ok.id);
  EXPECT_EQ(s.sink, 7u);
  EXPECT_EQ(s.link, 1u);
  EXPECT_EQ(s.attempt, 1u);
  EXPECT_EQ(s.content->body, text_message().body);
  const auto m = d.stored(ok.id);
  EXPECT_EQ(m.progress.state, message_state::sending);
  EXPECT_EQ(m.progress.attempts, 1u);
  EXPECT_EQ(*m.content, text_message());
  EXPECT_EQ(kinds(m), (std::vector{event_kind::accepted, event_kind::attempt}));
  EXPECT_EQ(d.store().commits(), 3u) << "start, link, and one for the whole submit";
}

TEST(CoreSubmit, WaitsWhenTheEndpointIsDown) {
  driver d;
  const auto out = d.post(d.make_submit(text_message()));
  EXPECT_TRUE(all<send>(out).empty());
  EXPECT_EQ(d.stored_state(only<accepted>(out).id), message_state::queued);
  EXPECT_EQ(only<send>(d.up("carrier:up1")).id, only<accepted>(out).id);
}

TEST(CoreSubmit, WithoutRouteIsRefusedAndNotStored) {
  driver d{{}, routes({to({{"carrier:up1"}}, "46")})};
  const auto out = d.post(d.make_submit(text_message("4512345")));
  EXPECT_EQ(only<refused>(out).reason, refusal::no_route);
  EXPECT_FALSE(is_temporary(refusal::no_route));
  EXPECT_EQ(d.store().size(), 0u);
}

TEST(CoreSubmit, IsRefusedWhenTheEngineIsFull) {
  driver d{{.active_messages_max = 2}};
  d.post(d.make_submit(text_message()), d.make_submit(text_message()));
  const auto out = d.post(d.make_submit(text_message()));
  EXPECT_EQ(only<refused>(out).reason, refusal::queue_full);
  EXPECT_TRUE(is_temporary(refusal::queue_full));
  EXPECT_EQ(d.state().active(), 2u);
}

TEST(CoreSubmit, IsRefusedWhenTheEndpointQueueIsFull) {
  core_options o;
  o.endpoint_default.queue_max = 3;
  driver d{o};
  for (int i = 0; i < 3; ++i) only<accepted>(d.post(d.make_submit(text_message())));
  EXPECT_EQ(only<refused>(d.post(d.make_submit(text_message()))).reason, refusal::queue_full);
  EXPECT_EQ(all<send>(d.up("carrier:up1")).size(), 3u);
  only<accepted>(d.post(d.make_submit(text_message())));
}

TEST(CoreSubmit, GoesToTheBackupWhenTheQueueOfTheFirstIsFull) {
  core_options o;
  o.endpoint_default.queue_max = 1;
  driver d{o, routes({to({{"carrier:a", 0}, {"carrier:b", 1}})})};
  const auto first = only<accepted>(d.post(d.make_submit(text_message())));
  const auto second = only<accepted>(d.post(d.make_submit(text_message())));
  EXPECT_EQ(d.stored(first.id).progress.endpoint, "carrier:a");
  EXPECT_EQ(d.stored(second.id).progress.endpoint, "carrier:b");
}

TEST(CoreSubmit, IsRefusedWhileTheAccountLeavesItsReceiptsUncollected) {
  core_options o;
  o.endpoints["client:alice"].queue_max = 2;
  driver d{o};
  d.up("carrier:up1");
  for (int i = 0; i < 2; ++i) {
    const auto s = only<send>(d.post(d.make_submit(text_message())));
    d.post(sent(s, "c" + std::to_string(i)), delivery("c" + std::to_string(i)));
  }
  EXPECT_EQ(only<refused>(d.post(d.make_submit(text_message()))).reason, refusal::queue_full);
  auto silent = text_message();
  silent.receipt_wanted = 0;
  only<accepted>(d.post(d.make_submit(silent)));
}

TEST(CoreSubmit, IsRefusedWhileWhoeverGetsItsReceiptsLeavesThem) {
  core_options o;
  o.endpoints["report:alice"].queue_max = 1;
  driver d{o};
  d.up("carrier:up1");
  auto c = text_message();
  c.receipts_to = "report:alice";
  const auto s = only<send>(d.post(d.make_submit(c)));
  d.post(sent(s, "c"), delivery("c"));
  EXPECT_EQ(only<refused>(d.post(d.make_submit(c))).reason, refusal::queue_full);
  only<accepted>(d.post(d.make_submit(text_message())));
}

TEST(CoreSubmit, OverLimitsIsInvalid) {
  driver d;
  auto c = text_message();
  c.body.resize(body_octets_max + 1);
  EXPECT_EQ(only<refused>(d.post(d.make_submit(c))).reason, refusal::invalid);
  c = text_message(std::string(address_octets_max + 1, '4'));
  EXPECT_EQ(only<refused>(d.post(d.make_submit(c))).reason, refusal::invalid);
  c = text_message();
  c.priority = 4;
  EXPECT_EQ(only<refused>(d.post(d.make_submit(c))).reason, refusal::invalid);
}

TEST(CoreSubmit, PastValidityIsRefused) {
  driver d;
  auto c = text_message();
  c.valid_until = t0;
  EXPECT_EQ(only<refused>(d.post(d.make_submit(c))).reason, refusal::expired);
}

TEST(CoreSubmit, WaitsForItsScheduleTime) {
  driver d;
  d.up("carrier:up1");
  auto c = text_message();
  c.schedule_at = t0 + 1h;
  const auto id = only<accepted>(d.post(d.make_submit(c))).id;
  EXPECT_TRUE(all<send>(d.pass(59min)).empty());
  EXPECT_EQ(d.state().next_deadline(), t0 + 1h);
  EXPECT_EQ(only<send>(d.pass(1min)).id, id);
}

TEST(CoreSubmit, HigherPriorityGoesFirst) {
  driver d;
  auto low = text_message(), high = text_message();
  high.priority = 3;
  const auto a = only<accepted>(d.post(d.make_submit(low)));
  const auto b = only<accepted>(d.post(d.make_submit(high)));
  const auto sends = all<send>(d.up("carrier:up1"));
  ASSERT_EQ(sends.size(), 2u);
  EXPECT_EQ(sends[0].id, b.id);
  EXPECT_EQ(sends[1].id, a.id);
}

TEST(CoreCancel, WithdrawsAMessageThatWaits) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  EXPECT_EQ(only<cancel_done>(d.post(cancel{{3, 5}, {id, "client:alice"}})).token.value, 5u);
  EXPECT_EQ(d.stored_state(id), message_state::canceled);
  EXPECT_TRUE(all<send>(d.up("carrier:up1")).empty());
}

TEST(CoreCancel, IsRefusedForOthersForStrangersAndOnceOnItsWay) {
  driver d;
  const auto id = only<accepted>(d.post(d.make_submit(text_message()))).id;
  EXPECT_EQ(only<refused>(d.post(cancel{{3, 5}, {id, "client:eve"}})).reason, refusal::not_found);
  EXPECT_EQ(only<refused>(d.post(cancel{{3, 5}, {message_id{77}}})).reason, refusal::not_found);
  const auto s = only<send>(d.up("carrier:up1"));
  EXPECT_EQ(only<refused>(d.post(cancel{{3, 5}, {id, "client:alice"}})).reason, refusal::too_late);
  d.post(sent(s));
  EXPECT_EQ(only<refused>(d.post(cancel{{3, 5}, {id, "client:alice"}})).reason, refusal::too_late);
}
