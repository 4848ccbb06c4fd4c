// A number is forgotten, on every store.
#include "engine/erasure.hpp"

#include <gtest/gtest.h>

#include "each_store.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

constexpr const char* person = "46711111111";
constexpr const char* mask = "46*********";

class Erasure : public EachStore {
 protected:
  // One message to the person that ended, with a trace that names the number.
  message_id delivered() {
    auto c = text_message(person);
    c.reference = std::string("order of ") + person;
    const auto id = EachStore::take(plain(std::move(c), ++token_)).id;
    const auto actions = up("carrier:up1");
    for (const auto& s : all<send>(actions))
      if (s.id == id) post(outcome(s, attempt_outcome::permanent, 5, std::string("no such number ") + person));
    EXPECT_TRUE(stored(id).progress.settled);
    post(link_state{"carrier:up1", 1, 7, false, 0});
    return id;
  }
  erasure_step erase(std::vector<message_id> ids) {
    const auto step = work_->erase(person, ids);
    EXPECT_TRUE(step);
    return step ? *step : erasure_step{};
  }
  std::vector<message_id> found() {
    const auto slice = work_->search({.party = person}, {}, 100);
    EXPECT_TRUE(slice);
    std::vector<message_id> ids;
    for (const auto& m : slice->found) ids.push_back(m.id);
    return ids;
  }
  std::uint64_t token_ = 0;
};

std::string everything(const message& m) {
  std::string out = m.content->source.value + ' ' + m.content->destination.value + ' ' + m.content->reference + ' ' +
                    std::string(as_text(m.content->body)) + ' ' + m.progress.error.text;
  for (const auto& e : m.progress.events.entries()) out += ' ' + e.endpoint + ' ' + e.detail;
  return out;
}

TEST_P(Erasure, MasksTheNumberWhereverItStandsAndKeepsTheRest) {
  for (int i = 0; i < 3; ++i) pass(1'000ms);  // the index is in use
  const auto id = delivered();
  const auto before = stored(id);
  ASSERT_NE(everything(before).find(person), std::string::npos);
  EXPECT_EQ(erase({id}).erased, 1u);
  restart();
  const auto after = stored(id);
  EXPECT_EQ(everything(after).find(person), std::string::npos) << everything(after);
  EXPECT_EQ(after.content->destination.value, mask);
  EXPECT_EQ(after.content->source.value, before.content->source.value);
  EXPECT_TRUE(after.content->body.empty());
  EXPECT_EQ(after.progress.state, before.progress.state);
  EXPECT_EQ(after.progress.error.code, 5u);
  EXPECT_EQ(after.progress.events.size(), before.progress.events.size());
  EXPECT_EQ(erase({id}).erased, 0u) << "there is nothing left to erase";
}

// Receipts are messages too.
TEST_P(Erasure, LeavesNothingThatASearchFinds) {
  for (int i = 0; i < 3; ++i) pass(1'000ms);
  delivered();
  const auto to_client = up("client:alice", 9);
  for (const auto& s : all<send>(to_client)) post(outcome(s, attempt_outcome::delivered));
  const auto ids = found();
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_EQ(erase(ids).erased, 2u);
  EXPECT_TRUE(found().empty());
  const auto span = store_->indexed();
  ASSERT_TRUE(span);
  if (span->empty()) return;
  std::size_t entries = 0;
  const auto report = store_->browse_number(
      number_key(person), span->from, span->before, 10, [&](message&&) { ++entries; }, [](message_id, const fault&) {});
  ASSERT_TRUE(report);
  EXPECT_EQ(entries, 0u) << "the index has forgotten it too";
}

TEST_P(Erasure, WhatIsOnItsWayIsLeftUntilItHasEnded) {
  const auto id = EachStore::take(plain(text_message(person))).id;
  const auto first = erase({id});
  EXPECT_EQ(first.erased, 0u);
  EXPECT_EQ(first.waiting, 1u);
  const auto sends = all<send>(up("carrier:up1"));
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].content->destination.value, person);
  post(outcome(sends[0], attempt_outcome::delivered));
  EXPECT_EQ(erase({id}).erased, 1u);
  EXPECT_EQ(stored(id).content->destination.value, mask);
}

TEST_P(Erasure, AnOptOutHoldsOnWithoutItsReason) {
  set_rules({}, {{.name = "shop", .numbers = {"46709999999"}}});
  post(opt_out{{3, 1}, "shop", person, true, "wrote STOP PLEASE"});
  ASSERT_TRUE(work_->erase_remembered(person));
  const auto list = work_->opt_outs("shop", {}, 10);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().since, now_);
  EXPECT_EQ(list->front().reason, "");
  EXPECT_EQ(EachStore::refuse(plain(text_message(person))).reason, refusal::blocked);
}

TEST_P(Erasure, AnOrderIsKeptBesideTheMessages) {
  const auto key = fact_key(fact_space::erasure, {"1"});
  const auto set = [](std::string text) { return [text](const fact*) { return std::optional(fact{text, {}}); }; };
  ASSERT_TRUE(work_->change_fact(key, set("begun")));
  restart();
  ASSERT_TRUE(work_->change_fact(key, [](const fact* before) {
    EXPECT_TRUE(before != nullptr && before->value == "begun");
    return std::optional(fact{"done", {}});
  }));
  auto listed = work_->facts(fact_key(fact_space::erasure, {""}), "", 10);
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().second.value, "done");
  ASSERT_TRUE(work_->change_fact(key, [](const fact*) { return std::optional<fact>{}; }));
  listed = work_->facts(fact_key(fact_space::erasure, {""}), "", 10);
  EXPECT_TRUE(listed && listed->empty());
}

MSGKIT_ON_EACH_STORE(Erasure);

// Of two instances one erases what the other has brought to its end, but not what it still works on.
TEST(ErasureOfSeveral, AnyInstanceErasesWhatHasEnded) {
  MSGKIT_NEEDS_POSTGRES();
  const auto schema = fresh_schema();
  auto a = open_postgres(postgres_options(schema, "a"));
  auto b = open_postgres(postgres_options(schema, "b"));
  ASSERT_TRUE(a && b);
  const auto table = routes({to({{"carrier:up1"}})});
  processor first{{.instance = *a->instance_number()}, {}, table, *a},
      second{{.instance = *b->instance_number()}, {}, table, *b};
  ASSERT_TRUE(first.start(t0) && second.start(t0));
  std::vector<event> events{plain(text_message(person), 1), link_state{"carrier:up1", 1, 7, true, 1},
                            plain(text_message(person), 2)};
  std::vector<message_id> ids;
  for (const auto& s : first.run(events, t0))
    if (const auto* yes = std::get_if<accepted>(&s)) ids.push_back(yes->id);
  ASSERT_EQ(ids.size(), 2u);
  auto step = second.erase(person, ids);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->waiting, 2u);
  events = {attempt_result{.id = ids[0], .attempt = 1, .outcome = attempt_outcome::delivered}};
  first.run(events, t0);
  step = second.erase(person, ids);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->erased, 1u);
  EXPECT_EQ(step->waiting, 1u);
  const auto stored = first.find(ids[0]);
  ASSERT_TRUE(stored && *stored);
  EXPECT_EQ((**stored).content->destination.value, mask);
}

TEST(ErasedNumber, ShowsACountryAtMost) {
  EXPECT_EQ(erased_number("+46711111111"), "+46*********");
  EXPECT_EQ(erased_number("SHOP"), "****");
}

}  // namespace
