// Parts of long messages meet: on each store.
#include <gtest/gtest.h>

#include "each_store.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

class Join : public EachStore {
 protected:
  void SetUp() override {
    EachStore::SetUp();
    if (!IsSkipped()) whole_for("client:alice");
  }
  void whole_for(std::string account) {
    account_rules r;
    r.whole_messages = true;
    set_rules({{std::move(account), r}});
  }
  static submit part(std::uint8_t number, std::uint8_t count, std::string text, std::uint32_t reference = 7,
                     std::uint64_t token = 1) {
    auto c = text_message();
    c.user_data_header = true;
    c.body = {5, 0, 3, static_cast<std::uint8_t>(reference), count, number};
    c.body.insert(c.body.end(), text.begin(), text.end());
    c.passthrough = {9, 9};
    submit_extras x;
    x.piece = submit_extras::part{.reference = reference, .count = count, .number = number, .header_octets = 6};
    return with(std::move(c), std::move(x), token);
  }
  std::string text_of(message_id id) {
    const auto m = stored(id);
    return m.content ? std::string{m.content->body.begin(), m.content->body.end()} : "";
  }
};

}  // namespace

TEST_P(Join, PartsInAnyOrderMakeOneMessageOverARestart) {
  const auto third = take(part(3, 3, "c"));
  EXPECT_TRUE(third.is_new);
  const auto first = take(part(1, 3, "a"));
  EXPECT_EQ(first.id, third.id);
  EXPECT_EQ(work_->state().active(), 0u);
  restart();
  up("carrier:up1");
  const auto out = post(part(2, 3, "b"));
  EXPECT_EQ(only<accepted>(out).id, third.id);
  const auto s = only<send>(out);
  EXPECT_EQ(s.id, third.id);
  EXPECT_FALSE(s.content->user_data_header);
  EXPECT_TRUE(s.content->passthrough.empty()) << "what the submitter said of the whole";
  EXPECT_EQ(text_of(third.id), "abc");
  EXPECT_EQ(stored(third.id).progress.events.entries()[1].kind, event_kind::joined);
  EXPECT_EQ(stats().joined, 1u);
}

TEST_P(Join, ARepeatedPartIsAcknowledgedAndCountsOnce) {
  const auto first = take(part(1, 2, "a"));
  EXPECT_EQ(take(part(1, 2, "a")).id, first.id);
  const auto out = post(part(2, 2, "b"), part(2, 2, "b"));  // in one batch: the second one begins another message
  EXPECT_EQ(all<accepted>(out).size(), 2u);
  EXPECT_EQ(text_of(first.id), "ab");
}

TEST_P(Join, DifferentReferencesStayApart) {
  const auto one = take(part(1, 2, "a", 1)), two = take(part(1, 2, "x", 2));
  EXPECT_NE(one.id, two.id);
  take(part(2, 2, "y", 2));
  take(part(2, 2, "b", 1));
  EXPECT_EQ(text_of(one.id), "ab");
  EXPECT_EQ(text_of(two.id), "xy");
}

TEST_P(Join, WhatStaysIncompleteGoesOnAfterItsTime) {
  const auto id = take(part(2, 3, "b")).id;
  take(part(1, 3, "a"));
  pass(29min);
  EXPECT_EQ(work_->state().active(), 0u);
  pass(2min);
  EXPECT_EQ(text_of(id), "ab");
  EXPECT_EQ(stored(id).progress.events.entries()[1].detail, "incomplete");
  EXPECT_EQ(stats().incomplete, 1u);
}

TEST_P(Join, WhatStaysIncompleteCountsBesideWhatWasCountedBefore) {
  account_rules r;
  r.whole_messages = true;
  r.limits.day = 4;
  set_rules({{"client:alice", r}});
  for (std::uint64_t i = 1; i <= 3; ++i) take(with(text_message(), {}, i));
  take(part(2, 3, "b"));
  pass(31min);
  EXPECT_EQ(stats().incomplete, 1u);
  EXPECT_EQ(refuse(with(text_message(), {}, 5)).reason, refusal::limit_reached);
}

TEST_P(Join, OrIsDroppedWhereTheOperatorWantsThat) {
  core_options o;
  o.forward_incomplete = false;
  configure(o);
  take(part(2, 3, "b"));
  pass(31min);
  EXPECT_EQ(work_->state().active(), 0u);
  EXPECT_EQ(stats().incomplete, 1u);
  std::size_t left = 0;
  ASSERT_TRUE(store_->scan("p", {}, 10, [&](std::string_view, fact&&) { ++left; }));
  EXPECT_EQ(left, 0u);
}

TEST_P(Join, AReferenceUsedAgainForOtherTextBeginsAnew) {
  const auto old = take(part(1, 2, "old")).id;
  const auto fresh = take(part(1, 2, "new")).id;
  EXPECT_NE(old, fresh);
  EXPECT_EQ(text_of(old), "old") << "went on as it was";
  take(part(2, 2, "!"));
  EXPECT_EQ(text_of(fresh), "new!");
}

TEST_P(Join, ARefusedWholeLeavesTheLastPartToComeAgain) {
  const auto id = take(part(1, 2, "a")).id;
  set_routes({to({{"carrier:up1"}}, "99")});
  EXPECT_EQ(refuse(part(2, 2, "b")).reason, refusal::no_route);
  set_routes({to({{"carrier:up1"}})});
  EXPECT_EQ(take(part(2, 2, "b")).id, id);
  EXPECT_EQ(text_of(id), "ab");
}

TEST_P(Join, WhoDidNotAskGetsThePartsAsTheyCame) {
  whole_for("client:bob");
  EXPECT_NE(take(part(1, 2, "a")).id, take(part(2, 2, "b")).id);
  EXPECT_EQ(work_->state().active(), 2u);
}

TEST_P(Join, WhoReceivesMayAskToo) {
  whole_for("carrier:up1");
  EXPECT_EQ(take(part(1, 2, "a")).id, take(part(2, 2, "b")).id);
}

MSGKIT_ON_EACH_STORE(Join);
