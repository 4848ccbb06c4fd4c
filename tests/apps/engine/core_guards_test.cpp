// What came before, and how much: on each store.
#include <gtest/gtest.h>

#include "each_store.hpp"
#include "engine/usage.hpp"

using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

class Guards : public EachStore {
 protected:
  static submit inbound(std::string id, std::uint64_t token = 1) {
    auto c = text_message();
    c.account = "carrier:up1";
    return with(std::move(c), {.duplicate_id = std::move(id)}, token);
  }
  static submit keyed(std::string key, std::string digest, std::string account = "client:alice") {
    auto c = text_message();
    c.account = std::move(account);
    return with(std::move(c), {.idempotency_key = std::move(key), .request_digest = std::move(digest)});
  }
  void limit(usage_limits all, std::map<std::string, usage_limits, std::less<>> numbers = {}, std::string zone = "UTC") {
    account_rules r;
    auto z = time_zone::load(zone);
    ASSERT_TRUE(z) << zone;
    r.zone = *z;
    r.limits = all;
    r.numbers = std::move(numbers);
    set_rules({{"client:alice", std::move(r)}});
  }
};

}  // namespace

TEST_P(Guards, ASecondCopyIsAcknowledgedUnderTheFirstOnesIdAndDropped) {
  const auto first = take(inbound("SM1"));
  EXPECT_TRUE(first.is_new);
  const auto again = take(inbound("SM1", 2));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.token.value, 2u);
  EXPECT_FALSE(again.is_new);
  EXPECT_NE(take(inbound("SM2")).id, first.id);
  EXPECT_EQ(stats().duplicates, 1u);
  EXPECT_EQ(kinds(stored(first.id)), (std::vector{event_kind::accepted, event_kind::duplicate}));
}

TEST_P(Guards, CopiesInOneBatchAndAfterARestartAreSeenToo) {
  const auto out = post(inbound("SM1", 1), inbound("SM1", 2));
  const auto both = all<accepted>(out);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].id, both[1].id);
  restart();
  EXPECT_EQ(take(inbound("SM1", 3)).id, both[0].id);
}

TEST_P(Guards, IdsOfDifferentCarriersAreDifferent) {
  const auto first = take(inbound("SM1"));
  auto c = text_message();
  c.account = "carrier:up2";
  EXPECT_NE(take(with(std::move(c), {.duplicate_id = "SM1"})).id, first.id);
}

TEST_P(Guards, AnIdIsForgottenAfterItsWindow) {
  auto c = text_message();
  const auto hashed = [&](std::uint64_t token) { return with(c, {.duplicate_id = "hash", .duplicate_window = 60s}, token); };
  const auto first = take(hashed(1));
  pass(59s);
  EXPECT_EQ(take(hashed(2)).id, first.id);
  pass(2s);
  EXPECT_NE(take(hashed(3)).id, first.id);
}

TEST_P(Guards, ARefusedMessageLeavesNoTrace) {
  set_routes({to({{"carrier:up1"}}, "99")});
  EXPECT_EQ(refuse(inbound("SM1")).reason, refusal::no_route);
  set_routes({to({{"carrier:up1"}})});
  EXPECT_TRUE(take(inbound("SM1")).is_new);
}

TEST_P(Guards, AnIdempotencyKeyGetsTheSameAnswerAndAnotherRequestAConflict) {
  const auto first = take(keyed("k1", "digest-1"));
  EXPECT_TRUE(first.is_new);
  restart();
  const auto again = take(keyed("k1", "digest-1"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(refuse(keyed("k1", "digest-2")).reason, refusal::conflict);
  EXPECT_FALSE(is_temporary(refusal::conflict));
  EXPECT_NE(take(keyed("k1", "digest-1", "client:bob")).id, first.id) << "another client's key";
  pass(25h);
  EXPECT_NE(take(keyed("k1", "digest-2")).id, first.id) << "expired";
}

TEST_P(Guards, TooLongKeysAreInvalid) {
  EXPECT_EQ(refuse(keyed(std::string(256, 'k'), "d")).reason, refusal::invalid);
  EXPECT_EQ(refuse(keyed("k", std::string(65, 'd'))).reason, refusal::invalid);
  EXPECT_EQ(refuse(inbound(std::string(257, 'i'))).reason, refusal::invalid);
}

TEST_P(Guards, ExpiredFactsArePurgedAndTheirNumberIsBounded) {
  for (int i = 0; i < 10; ++i) take(inbound("SM" + std::to_string(i)));
  const auto left = [&] {
    std::size_t n = 0;
    EXPECT_TRUE(store_->scan("d", {}, 1'000, [&](std::string_view, fact&&) { ++n; }));
    return n;
  };
  EXPECT_EQ(left(), 10u);
  pass(8 * 24h);
  EXPECT_EQ(left(), 0u);
  if (GetParam() == "postgres") return;  // counts its rows when it vacuums
  processor_options_.facts_max = 4;
  restart();
  for (int i = 0; i < 10; ++i) {
    now_ += 1s;
    take(inbound("SN" + std::to_string(i)));
  }
  pass(61s);
  EXPECT_EQ(left(), 4u);
  EXPECT_FALSE(take(inbound("SN9")).is_new) << "the latest are the ones that stay";
}

// ---- limits -------------------------------------------------------------------------------------------------------

TEST_P(Guards, ADailyLimitCountsSegmentsInOneBatchAndEndsAtMidnightOfTheZone) {
  limit({.day = 3}, {}, "America/Vancouver");  // 14:13 UTC there is 07:13
  auto long_text = text_message();
  long_text.body.assign(300, 'x');  // two parts of 153 septets
  const auto out = post(plain(long_text, 1), plain(text_message(), 2), plain(text_message(), 3));
  EXPECT_EQ(all<accepted>(out).size(), 2u);
  const auto no = only<refused>(out);
  EXPECT_EQ(no.reason, refusal::limit_reached);
  EXPECT_EQ(no.period, usage_period::day);
  EXPECT_FALSE(no.of_number);
  EXPECT_TRUE(is_temporary(no.reason));
  restart();
  EXPECT_EQ(refuse(plain(text_message())).reason, refusal::limit_reached) << "survives a restart";
  const auto zone = *time_zone::load("America/Vancouver");
  now_ = zone->next(now_, 0) - 1s;
  EXPECT_EQ(refuse(plain(text_message())).reason, refusal::limit_reached);
  now_ += 1s;
  take(plain(text_message()));
  EXPECT_EQ(stats().limited, 2u);
}

TEST_P(Guards, MediaMessagesHaveCountersOfTheirOwnAndCountAsOne) {
  auto picture = text_message();
  picture.kind = message_kind::mms;
  picture.body.assign(5'000, 'x');
  account_rules r;
  r.limits.day = 1;
  r.mms_limits.day = 2;
  r.mms_numbers[picture.source.value].month = 3;
  set_rules({{"client:alice", r}});
  take(plain(picture));
  take(plain(picture));
  EXPECT_EQ(refuse(plain(picture)).period, usage_period::day);
  take(plain(text_message()));
  EXPECT_EQ(refuse(plain(text_message())).period, usage_period::day);
  r.mms_limits.day = 0;
  set_rules({{"client:alice", r}});
  take(plain(picture));
  const auto no = refuse(plain(picture));
  EXPECT_EQ(no.period, usage_period::month);
  EXPECT_TRUE(no.of_number);
}

TEST_P(Guards, ABurstLimitSlidesOverTheLastMinute) {
  limit({.burst = 10});
  now_ = t0 - (t0.time_since_epoch() % 1min);
  for (int i = 0; i < 10; ++i) take(plain(text_message()));
  EXPECT_EQ(refuse(plain(text_message())).period, usage_period::burst);
  pass(90s);  // half of the earlier minute is over
  for (int i = 0; i < 5; ++i) take(plain(text_message()));
  refuse(plain(text_message()));
  pass(120s);
  take(plain(text_message()));
}

TEST_P(Guards, AMonthlyLimitOfANumberHoldsThatNumberBackAlone) {
  limit({}, {{"46709999999", {.month = 2}}, {"46708888888", {}}});
  take(plain(text_message()));
  take(plain(text_message()));
  const auto no = refuse(plain(text_message()));
  EXPECT_EQ(no.period, usage_period::month);
  EXPECT_TRUE(no.of_number);
  auto other = text_message();
  other.source.value = "46708888888";
  take(plain(other));
  pass(20 * 24h);  // October
  take(plain(text_message()));
  const auto used = work_->usage("client:alice", "46709999999");
  ASSERT_TRUE(used);
  EXPECT_EQ(used->this_month, 1u);
}

TEST_P(Guards, BothDirectionsShareALimitWhereItSaysSo) {
  limit({}, {{"46709999999", {.day = 2, .counts = usage_direction::both}}, {"46708888888", {.day = 1}}});
  const auto inbound_to = [](std::string number) {
    auto c = text_message(std::move(number));
    c.account = "carrier:up1";
    c.source.value = "46701234567";
    return plain(std::move(c));
  };
  take(plain(text_message()));
  take(inbound_to("46709999999"));
  EXPECT_EQ(refuse(plain(text_message())).reason, refusal::limit_reached);
  EXPECT_EQ(refuse(inbound_to("46709999999")).reason, refusal::limit_reached);
  for (int i = 0; i < 3; ++i) take(inbound_to("46708888888"));  // counts what it sends only
}

TEST_P(Guards, WhatIsRefusedForAnotherReasonIsNotCharged) {
  limit({.day = 1});
  set_routes({to({{"carrier:up1"}}, "99")});
  EXPECT_EQ(refuse(plain(text_message())).reason, refusal::no_route);
  set_routes({to({{"carrier:up1"}})});
  take(plain(text_message()));
}

MSGKIT_ON_EACH_STORE(Guards);

// ---- when the store fails -----------------------------------------------------------------------------------------

// The peer was told to come again; whether the commit happened or not, its second try finds the first one or replaces it.
TEST(GuardsAndAFailingStore, AKeyedSubmitInDoubtIsThereOnceAfterItsRepetition) {
  for (const auto how : {memory_store::failure::clean, memory_store::failure::in_doubt}) {
    driver d;
    const auto s = [](std::uint64_t token) { return with(text_message(), {.idempotency_key = "k", .request_digest = "d"}, token); };
    d.store().fail_commit(1, how);
    EXPECT_EQ(only<refused>(d.post(s(1))).reason, refusal::store_unavailable);
    d.pass(1s);
    const auto ok = only<accepted>(d.post(s(2)));
    EXPECT_EQ(ok.is_new, how == memory_store::failure::clean);
    EXPECT_EQ(d.store().size(), 1u);
    EXPECT_EQ(d.stored_state(ok.id), message_state::queued);
  }
}
