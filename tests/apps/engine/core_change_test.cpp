// What an account asks about messages it gave us: query, cancel by numbers, replace.
#include "driver.hpp"

namespace msgkit::engine::test {
namespace {

message_selector of(message_id id, std::string account = "client:alice") {
  return {.id = id, .account = std::move(account)};
}
replace other_text(message_id id, std::string text) {
  return {.token = {3, 6}, .what = of(id), .body = {text.begin(), text.end()}, .receipt_wanted = receipt_on_success};
}
std::string text_of(const message& m) { return {m.content->body.begin(), m.content->body.end()}; }

struct Change : ::testing::Test {
  driver d;
  message_id submit_one(message_content c = text_message()) {
    return only<accepted>(d.post(d.make_submit(std::move(c)))).id;
  }
};

TEST_F(Change, AQueryTellsHowFarAMessageIs) {
  const auto id = submit_one();
  auto q = only<query_done>(d.post(query{{3, 5}, of(id)}));
  EXPECT_EQ(q.token.value, 5u);
  EXPECT_EQ(q.state, message_state::queued);
  EXPECT_FALSE(q.scheduled);
  EXPECT_EQ(q.done_at, wall_time{});
  const auto s = only<send>(d.up("carrier:up1"));
  EXPECT_EQ(only<query_done>(d.post(query{{3, 5}, of(id)})).state, message_state::sending);
  d.post(sent(s));
  EXPECT_EQ(only<query_done>(d.post(query{{3, 5}, of(id)})).state, message_state::sent);
}

TEST_F(Change, AQueryFindsSettledMessagesInTheStore) {
  const auto id = submit_one();
  const auto s = only<send>(d.up("carrier:up1"));
  d.post(attempt_result{.id = s.id, .attempt = s.attempt, .outcome = attempt_outcome::permanent, .code = 11});
  const auto q = only<query_done>(d.post(query{{3, 5}, of(id)}));
  EXPECT_EQ(q.state, message_state::rejected);
  EXPECT_EQ(q.error_code, 11u);
  EXPECT_EQ(q.done_at, d.now());
  EXPECT_EQ(only<refused>(d.post(query{{3, 5}, of(id, "client:eve")})).reason, refusal::not_found);
  EXPECT_EQ(only<refused>(d.post(query{{3, 5}, of(message_id{77})})).reason, refusal::not_found);
}

TEST_F(Change, AQueryKnowsWhatIsScheduled) {
  auto c = text_message();
  c.schedule_at = d.now() + 1h;
  const auto id = submit_one(c);
  EXPECT_TRUE(only<query_done>(d.post(query{{3, 5}, of(id)})).scheduled);
  d.pass(1h);
  EXPECT_FALSE(only<query_done>(d.post(query{{3, 5}, of(id)})).scheduled);
}

TEST_F(Change, AQueryInTheBatchOfItsSubmitSeesIt) {
  const auto id = submit_one();
  const auto more = d.post(d.make_submit(text_message()), query{{3, 5}, of(id)});
  EXPECT_EQ(only<query_done>(more).state, message_state::queued);
}

TEST_F(Change, AQueryIsRefusedWhileTheStoreFails) {
  const auto id = submit_one();
  d.store().fail_commit(1, memory_store::failure::clean, 5);
  EXPECT_EQ(all<refused>(d.post(query{{3, 5}, of(message_id{77})}, d.make_submit(text_message()))).size(), 2u);
  EXPECT_EQ(only<refused>(d.post(query{{3, 5}, of(id)})).reason, refusal::store_unavailable);
}

TEST_F(Change, AReplacedMessageKeepsItsIdAndSendsTheNewText) {
  const auto id = submit_one();
  EXPECT_EQ(only<replace_done>(d.post(other_text(id, "bye"))).token.value, 6u);
  EXPECT_EQ(text_of(d.stored(id)), "bye");
  EXPECT_EQ(d.stored(id).content->destination.value, "46700000001");
  d.restart();
  const auto s = only<send>(d.up("carrier:up1"));
  EXPECT_EQ(s.id, id);
  EXPECT_EQ(std::string(s.content->body.begin(), s.content->body.end()), "bye");
}

TEST_F(Change, ALongTextReplacesAShortOneAndBack) {
  const auto id = submit_one();
  const std::string large(5'000, 'x');
  only<replace_done>(d.post(other_text(id, large)));
  EXPECT_EQ(text_of(d.stored(id)), large);
  only<replace_done>(d.post(other_text(id, "s")));
  EXPECT_EQ(text_of(d.stored(id)), "s");
}

TEST_F(Change, ReplaceMovesScheduleAndValidity) {
  const auto id = submit_one();
  auto r = other_text(id, "later");
  r.schedule_at = d.now() + 1h;
  r.valid_until = d.now() + 2h;
  only<replace_done>(d.post(r));
  EXPECT_TRUE(all<send>(d.up("carrier:up1")).empty());
  EXPECT_EQ(only<send>(d.pass(1h)).valid_until, *r.valid_until);
}

TEST_F(Change, ReplaceIsRefusedForOthersAndOnceOnItsWay) {
  const auto id = submit_one();
  auto r = other_text(id, "bye");
  r.what.account = "client:eve";
  EXPECT_EQ(only<refused>(d.post(r)).reason, refusal::not_found);
  r = other_text(id, "bye");
  r.valid_until = d.now() - 1s;
  EXPECT_EQ(only<refused>(d.post(r)).reason, refusal::expired);
  r = other_text(id, std::string(body_octets_max + 1, 'x'));
  EXPECT_EQ(only<refused>(d.post(r)).reason, refusal::invalid);
  d.up("carrier:up1");
  EXPECT_EQ(only<refused>(d.post(other_text(id, "bye"))).reason, refusal::too_late);
  EXPECT_EQ(text_of(d.stored(id)), "hello");
}

TEST_F(Change, ReplaceIfPresentTakesThePlaceOfTheOldestThatWaits) {
  const auto first = submit_one();
  submit_one();
  auto s = d.make_submit(text_message());
  s.replace_if_present = true;
  auto c = std::make_shared<message_content>(text_message());
  c->body = {'n', 'e', 'w'};
  s.content = c;
  const auto taken = only<accepted>(d.post(s));
  EXPECT_EQ(taken.id, first);
  EXPECT_EQ(text_of(d.stored(first)), "new");
  EXPECT_EQ(d.state().active(), 2u);
  c = std::make_shared<message_content>(text_message("46700000002"));
  s.content = c;
  EXPECT_NE(only<accepted>(d.post(s)).id, first) << "another number is another message";
}

TEST_F(Change, AFailedReplaceIfPresentDoesNotCostTheOldMessage) {
  const auto first = submit_one();
  auto s = d.make_submit(text_message());
  s.replace_if_present = true;
  d.store().fail_commit(1, memory_store::failure::clean, 0);
  EXPECT_EQ(only<refused>(d.post(s)).reason, refusal::store_unavailable);
  d.pass(1min);
  EXPECT_EQ(d.stored_state(first), message_state::queued);
  EXPECT_EQ(only<send>(d.up("carrier:up1")).id, first);
}

TEST_F(Change, CancelByNumbersTakesAllThatWaitBetweenThem) {
  const auto a = submit_one(), b = submit_one(), other = submit_one(text_message("46700000002"));
  const message_selector pair{.account = "client:alice", .source = "46709999999", .destination = "46700000001"};
  only<cancel_done>(d.post(cancel{{3, 5}, pair}));
  EXPECT_EQ(d.stored_state(a), message_state::canceled);
  EXPECT_EQ(d.stored_state(b), message_state::canceled);
  EXPECT_EQ(d.stored_state(other), message_state::queued);
  only<cancel_done>(d.post(cancel{{3, 5}, pair}));
}

TEST_F(Change, CancelByNumbersLeavesReceiptsAlone) {
  auto c = text_message();
  c.valid_until = d.now() + 1s;
  submit_one(c);
  d.pass(2s);  // expired: its receipt now waits for alice
  EXPECT_EQ(d.state().active(), 1u);
  only<cancel_done>(d.post(cancel{{3, 5}, {.account = "client:alice"}}));
  EXPECT_EQ(d.state().active(), 1u);
}

TEST_F(Change, SearchesAreRationed) {
  submit_one();
  const message_selector all_of_mine{.account = "client:alice"};
  const auto answers = d.post(cancel{{3, 5}, all_of_mine}, cancel{{3, 6}, all_of_mine});
  EXPECT_EQ(only<cancel_done>(answers).token.value, 5u);
  EXPECT_EQ(only<refused>(answers).reason, refusal::queue_full);
}

// ---- the store fails in the batch of a change ----------------------------------------------------------------------

// Clean: the commit did not happen. In doubt: it did, and nobody knows.
struct ChangeFailure : ::testing::WithParamInterface<memory_store::failure>, Change {
  [[nodiscard]] bool kept() const { return GetParam() == memory_store::failure::in_doubt; }
  void recover() {
    d.set_now(d.work().next_deadline());
    d.run();
    EXPECT_FALSE(d.work().store_faulted());
  }
};

TEST_P(ChangeFailure, AReplaceIsRefusedAndOneOfTheTwoTextsIsSentOnce) {
  const auto id = submit_one();
  d.store().fail_commit(1, GetParam());
  const auto answers = d.post(other_text(id, "bye"));
  EXPECT_EQ(only<refused>(answers).reason, refusal::store_unavailable);
  EXPECT_TRUE(all<replace_done>(answers).empty());
  recover();
  EXPECT_EQ(text_of(d.stored(id)), kept() ? "bye" : "hello");
  const auto s = only<send>(d.up("carrier:up1"));
  EXPECT_EQ(s.id, id);
  EXPECT_EQ(std::string(s.content->body.begin(), s.content->body.end()), kept() ? "bye" : "hello");
  EXPECT_TRUE(all<send>(d.pass(1s)).empty());
}

TEST_P(ChangeFailure, AReplaceMayBeRepeated) {
  const auto id = submit_one();
  d.store().fail_commit(1, GetParam());
  only<refused>(d.post(other_text(id, "bye")));
  recover();
  only<replace_done>(d.post(other_text(id, "bye")));
  d.restart();
  EXPECT_EQ(text_of(d.stored(id)), "bye");
}

TEST_P(ChangeFailure, ACancelIsRefusedAndHasOneEnd) {
  const auto id = submit_one(), other = submit_one(text_message("46700000002"));
  d.store().fail_commit(1, GetParam());
  const auto answers = d.post(cancel{{3, 5}, of(id)});
  EXPECT_EQ(only<refused>(answers).reason, refusal::store_unavailable);
  EXPECT_TRUE(all<cancel_done>(answers).empty());
  recover();
  EXPECT_EQ(d.stored_state(id), kept() ? message_state::canceled : message_state::queued);
  EXPECT_EQ(d.state().active(), 2u) << "the other one, and this one or its receipt";
  const auto again = d.post(cancel{{3, 6}, of(id)});
  if (kept()) EXPECT_EQ(only<refused>(again).reason, refusal::not_found);
  else only<cancel_done>(again);
  EXPECT_EQ(d.stored_state(id), message_state::canceled);
  EXPECT_EQ(only<send>(d.up("carrier:up1")).id, other);
  EXPECT_EQ(all<send>(d.up("client:alice", 10, 2)).size(), 1u) << "exactly one receipt";
}

TEST_P(ChangeFailure, CancelByNumbersTakesAllOrNone) {
  const auto a = submit_one(), b = submit_one();
  d.store().fail_commit(1, GetParam());
  const message_selector pair{.account = "client:alice", .source = "46709999999", .destination = "46700000001"};
  only<refused>(d.post(cancel{{3, 5}, pair}));
  recover();
  const auto expected = kept() ? message_state::canceled : message_state::queued;
  EXPECT_EQ(d.stored_state(a), expected);
  EXPECT_EQ(d.stored_state(b), expected);
  only<cancel_done>(d.post(cancel{{3, 6}, pair}));
  EXPECT_EQ(d.stored_state(a), message_state::canceled);
  EXPECT_EQ(d.stored_state(b), message_state::canceled);
}

INSTANTIATE_TEST_SUITE_P(CleanAndInDoubt, ChangeFailure,
                         ::testing::Values(memory_store::failure::clean, memory_store::failure::in_doubt),
                         [](const auto& i) { return i.param == memory_store::failure::clean ? "clean" : "in_doubt"; });

}  // namespace
}  // namespace msgkit::engine::test
