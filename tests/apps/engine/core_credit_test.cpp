// Accounts that pay before, on every store.
#include <gtest/gtest.h>

#include "each_store.hpp"
#include "engine/credit.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

constexpr const char* alice = "client:alice";

std::shared_ptr<const price_list> prices() {
  return std::make_shared<const price_list>(std::vector<price_list::price>{{"46", 30}, {"4670", 50}});
}

class Credit : public EachStore {
 protected:
  void SetUp() override {
    EachStore::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) pay({.prices = prices()});
  }
  void pay(account_rules r) { set_rules({{alice, std::move(r)}}); }
  credit_state credit() {
    const auto c = work_->credit(alice);
    EXPECT_TRUE(c);
    return c ? *c : credit_state{};
  }
  processor::top_up_result top_up(std::int64_t amount, const std::string& reference) {
    const auto done = work_->top_up(alice, amount, reference, now_);
    EXPECT_TRUE(done);
    return done ? *done : processor::top_up_result{};
  }
  std::vector<ledger_entry> ledger() {
    std::vector<ledger_entry> out;
    const auto facts = work_->facts(fact_key(fact_space::ledger, {alice, ""}), "", 100);
    EXPECT_TRUE(facts);
    for (const auto& [key, f] : *facts)
      if (auto e = decode_ledger(key, f.value)) out.push_back(*std::move(e));
    return out;
  }
  std::vector<ledger_kind> kinds_of_ledger() {
    std::vector<ledger_kind> out;
    for (const auto& e : ledger()) out.push_back(e.kind);
    return out;
  }
  // What ended is settled with the next batch.
  void settle() { pass(1'000ms); }
  send sent_to(const std::string& number = "46700000001") {
    EachStore::take(plain(text_message(number), ++token_));
    const auto sends = all<send>(up("carrier:up1"));
    EXPECT_EQ(sends.size(), 1u);
    return sends.empty() ? send{} : sends.front();
  }
  std::uint64_t token_ = 0;
};

TEST_P(Credit, IsHeldWhenAMessageIsAcceptedAndChargedWhenItArrived) {
  top_up(120, "invoice 1");
  const auto s = sent_to();
  EXPECT_EQ(credit(), (credit_state{120, 50, 2}));
  EXPECT_EQ(credit().available(), 70);
  post(outcome(s, attempt_outcome::delivered));
  settle();
  EXPECT_EQ(credit(), (credit_state{70, 0, 3}));
  const auto entries = ledger();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(kinds_of_ledger(), (std::vector{ledger_kind::top_up, ledger_kind::hold, ledger_kind::charge}));
  EXPECT_EQ(entries[0].note, "invoice 1");
  EXPECT_EQ(entries[2].message, s.id);
  EXPECT_EQ(entries[2].amount, 50);
  EXPECT_EQ(entries[2].balance, 70);
  EXPECT_EQ(entries[2].note, "delivered");
  EXPECT_EQ(stats().credit_charged, 50u);
}

TEST_P(Credit, IsNotLentAndNothingIsLeftOfARefusedMessage) {
  top_up(99, "a");
  EachStore::take(plain(text_message(), 1));
  EXPECT_EQ(EachStore::refuse(plain(text_message(), 2)).reason, refusal::no_credit);
  EXPECT_EQ(credit().held, 50u);
  EXPECT_EQ(stats().credit_refused, 1u);
  EachStore::take(plain(text_message("46800000001"), 3));  // costs 30
  EXPECT_EQ(credit().held, 80u);
  EXPECT_EQ(EachStore::refuse(plain(text_message("47000000001"), 4)).reason, refusal::no_price);
}

TEST_P(Credit, HoldsTogetherInOneBatch) {
  top_up(149, "a");
  std::vector<event> three;
  for (std::uint64_t i = 1; i <= 3; ++i) three.emplace_back(plain(text_message(), i));
  const auto answers = run(std::move(three));
  EXPECT_EQ(all<accepted>(answers).size(), 2u);
  EXPECT_EQ(only<refused>(answers).reason, refusal::no_credit);
  EXPECT_EQ(credit().held, 100u);
}

TEST_P(Credit, CountsSegments) {
  top_up(1'000, "a");
  auto c = text_message();
  c.body.assign(400, 'x');
  EachStore::take(plain(std::move(c)));
  EXPECT_EQ(credit().held, 150u);
}

TEST_P(Credit, ComesBackForWhatFailedUnlessTheRulesSayOtherwise) {
  top_up(100, "a");
  post(outcome(sent_to(), attempt_outcome::permanent));
  settle();
  EXPECT_EQ(credit().balance, 100);
  EXPECT_EQ(credit().held, 0u);
  EXPECT_EQ(kinds_of_ledger().back(), ledger_kind::refund);
  EXPECT_EQ(ledger().back().note, "rejected");
  pay({.prices = prices(), .refund_failed = false});
  post(link_state{"carrier:up1", 1, 7, false, 0});
  post(outcome(sent_to(), attempt_outcome::permanent));
  settle();
  EXPECT_EQ(credit().balance, 50);
  EXPECT_EQ(kinds_of_ledger().back(), ledger_kind::charge);
}

TEST_P(Credit, ComesBackForWhatWasWithdrawn) {
  pay({.prices = prices(), .refund_failed = false});
  top_up(100, "a");
  const auto id = EachStore::take(plain(text_message())).id;
  post(cancel{{3, 9}, {.id = id}});
  settle();
  EXPECT_EQ(credit(), (credit_state{100, 0, 3}));
}

// The process dies between any two commits; what was held is charged once.
TEST_P(Credit, IsChargedOnceOverCrashes) {
  top_up(100, "a");
  restart();
  sent_to();
  restart();
  EXPECT_EQ(credit().held, 50u);
  auto sends = all<send>(up("carrier:up1"));  // what became of the first attempt is not known
  for (int i = 0; i < 200 && sends.empty() && credit().held > 0; ++i) sends = all<send>(pass(10s));
  if (!sends.empty()) post(outcome(sends.front(), attempt_outcome::delivered));
  // The end is noted; the process dies before it is settled.
  restart();
  settle();
  settle();
  EXPECT_EQ(credit().held, 0u);
  const auto all_kinds = kinds_of_ledger();
  EXPECT_EQ(std::ranges::count(all_kinds, ledger_kind::charge), 1);
  EXPECT_EQ(credit().balance, 50);
}

TEST_P(Credit, IsGivenBackForAMessageThatHasGone) {
  top_up(100, "a");
  const auto id = EachStore::take(plain(text_message())).id;
  const message_id ids[]{id};
  ASSERT_TRUE(store_->remove(ids));
  restart();
  for (int i = 0; i < 3; ++i) pass(61'000ms);
  EXPECT_EQ(credit(), (credit_state{100, 0, 3}));
}

TEST_P(Credit, ATopUpIsBookedOnceUnderItsReference) {
  EXPECT_EQ(top_up(100, "invoice 1").credit.balance, 100);
  restart();
  const auto again = top_up(100, "invoice 1");
  EXPECT_TRUE(again.is_repeated);
  EXPECT_FALSE(again.is_conflict);
  EXPECT_EQ(again.credit.balance, 100);
  EXPECT_TRUE(top_up(200, "invoice 1").is_conflict);
  EXPECT_EQ(top_up(-30, "correction").credit.balance, 70);
  EXPECT_EQ(credit(), (credit_state{70, 0, 2}));
}

// The parts of a long message make one, whose price is that of all of them.
TEST_P(Credit, PartsThatGoOnAloneHaveTheirPrice) {
  pay({.prices = prices(), .whole_messages = true});
  top_up(1'000, "a");
  submit_extras x;
  x.piece = submit_extras::part{.reference = 7, .count = 2, .number = 1};
  EachStore::take(with(text_message(), x));
  EXPECT_EQ(credit().held, 0u);
  pass(24h);
  pass(1'000ms);
  EXPECT_EQ(credit().held, 50u);
}

TEST_P(Credit, WhoDoesNotPayBeforeIsNotAsked) {
  set_rules({{"client:bob", {.prices = prices()}}});
  EachStore::take(plain(text_message()));
  EXPECT_EQ(credit(), credit_state{});
  EXPECT_TRUE(ledger().empty());
}

MSGKIT_ON_EACH_STORE(Credit);

// Two gateways on one store spend the same money.
TEST(CreditOfSeveral, IsSpentOnce) {
  MSGKIT_NEEDS_POSTGRES();
  const auto schema = fresh_schema();
  auto a = open_postgres(postgres_options(schema, "a"));
  auto b = open_postgres(postgres_options(schema, "b"));
  ASSERT_TRUE(a && b);
  const auto table = routes({to({{"carrier:up1"}})});
  const auto rules = std::make_shared<const policy>(
      std::map<std::string, account_rules, std::less<>>{{alice, {.prices = prices()}}}, std::vector<number_pool>{});
  processor first{{.instance = *a->instance_number()}, {}, table, *a},
      second{{.instance = *b->instance_number()}, {}, table, *b};
  ASSERT_TRUE(first.start(t0) && second.start(t0));
  for (auto* p : {&first, &second}) p->state().set_policy(rules);
  ASSERT_TRUE(first.top_up(alice, 250, "a", t0));
  std::size_t taken = 0, refused_ones = 0;
  for (std::uint64_t i = 1; i <= 8; ++i) {
    std::vector<event> events{plain(text_message(), i)};
    for (const auto& answer : (i % 2 == 0 ? first : second).run(events, t0 + std::chrono::milliseconds{i})) {
      taken += std::holds_alternative<accepted>(answer) ? 1 : 0;
      const auto* no = std::get_if<refused>(&answer);
      refused_ones += no != nullptr && no->reason == refusal::no_credit ? 1 : 0;
    }
  }
  EXPECT_EQ(taken, 5u);
  EXPECT_EQ(refused_ones, 3u);
  const auto left = second.credit(alice);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->available(), 0);
}

TEST(PriceList, TheLongestPrefixCounts) {
  const price_list l{{{"46", 30}, {"4670", 50}, {"", 90}}};
  EXPECT_EQ(l.of("46800000001"), 30u);
  EXPECT_EQ(l.of("+46700000001"), 50u);
  EXPECT_EQ(l.of("467"), 30u);
  EXPECT_EQ(l.of("1555"), 90u);
  EXPECT_FALSE((price_list{{{"46", 1}}}.of("1555")));
  EXPECT_THROW((price_list{{{"46", 1}, {"46", 2}}}), std::invalid_argument);
  EXPECT_THROW((price_list{{{"+46", 1}}}), std::invalid_argument);
}

TEST(CreditRecords, ReadBackWhatWasWrittenAndNothingElse) {
  const credit_state c{-5, 7, 9};
  EXPECT_EQ(decode_credit(encode(c)), c);
  const ledger_entry e{3, t0, ledger_kind::refund, -1, -2, 4, message_id{77}, "note"};
  EXPECT_EQ(decode_ledger(ledger_key(alice, 3), encode(e)), e);
  const auto subject = read_credit_key(hold_key(alice, message_id{77}));
  ASSERT_TRUE(subject);
  EXPECT_EQ(subject->account, alice);
  EXPECT_EQ(subject->id, message_id{77});
  const auto octets = encode(e);
  for (std::size_t n = 0; n < octets.size(); ++n)
    EXPECT_FALSE(decode_ledger(ledger_key(alice, 3), octets.substr(0, n))) << n;
  EXPECT_EQ(decode_credit("\x02xyz"), credit_state{});
}

}  // namespace
