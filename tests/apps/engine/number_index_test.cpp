// Messages are found by number, on every store, also those that the index does not know yet.
#include "engine/number_index.hpp"

#include <gtest/gtest.h>

#include "each_store.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

class NumberIndex : public EachStore {
 protected:
  struct result_of {
    std::vector<message_id> ids{};
    std::size_t rows = 0;
  };
  // Everything there is, by as many slices as it takes.
  result_of search(const message_filter& what, std::size_t limit = 7) {
    result_of out;
    message_id before;
    do {
      const auto slice = work_->search(what, before, limit);
      EXPECT_TRUE(slice);
      if (!slice) break;
      for (const auto& m : slice->found) out.ids.push_back(m.id);
      out.rows += slice->rows;
      before = slice->next;
    } while (before);
    return out;
  }
  std::vector<message_id> take(const std::string& source, const std::string& destination, std::size_t count) {
    std::vector<event> events;
    for (std::size_t i = 0; i < count; ++i) {
      auto c = text_message(destination);
      c.source.value = source;
      c.receipt_wanted = 0;
      events.emplace_back(plain(std::move(c), ++token_));
    }
    std::vector<message_id> ids;
    for (const auto& a : all<accepted>(run(std::move(events)))) ids.push_back(a.id);
    EXPECT_EQ(ids.size(), count);
    return ids;
  }
  // Until the store's index knows everything, which on PostgreSQL begins when all instances write it.
  void settle() {
    for (int i = 0; i < 200; ++i) pass(1'000ms);
  }
  bool has_index() const { return GetParam() != "memory"; }
  std::uint64_t token_ = 0;
};

std::vector<message_id> newest_first(std::vector<message_id> ids) {
  std::ranges::sort(ids, std::greater{});
  return ids;
}

TEST_P(NumberIndex, FindsByRecipientAndBySenderAndReadsNothingElse) {
  settle();
  const auto a = take("46700000001", "46711111111", 20);
  take("46700000002", "46722222222", 3'000);
  const auto b = take("46700000003", "46711111111", 5);
  const auto to = search({.destination = "46711111111"});
  auto expected = a;
  expected.insert(expected.end(), b.begin(), b.end());
  EXPECT_EQ(to.ids, newest_first(expected));
  EXPECT_EQ(search({.source = "46700000003"}).ids, newest_first(b));
  EXPECT_EQ(search({.source = "46700000003", .destination = "46711111111"}).ids, newest_first(b));
  EXPECT_TRUE(search({.destination = "46799999999"}).ids.empty());
  if (has_index()) {
    EXPECT_LE(to.rows, 2 * expected.size());
  }
}

TEST_P(NumberIndex, AMessageToItsOwnSenderIsFoundOnce) {
  settle();
  const auto ids = take("46700000001", "46700000001", 3);
  EXPECT_EQ(search({.destination = "46700000001"}).ids, newest_first(ids));
}

TEST_P(NumberIndex, KnowsEverythingAfterARestart) {
  settle();
  std::vector<message_id> mine;
  for (int i = 0; i < 5; ++i) {  // more than one run of entries
    take("46700000002", "46722222222", 2'000);
    const auto one = take("46700000001", "46711111111", 2);
    mine.insert(mine.end(), one.begin(), one.end());
    now_ += 1s;
  }
  restart();
  EXPECT_EQ(search({.destination = "46711111111"}).ids,
            newest_first(mine));  // the latest are not in the index again yet
  settle();
  const auto found = search({.destination = "46711111111"});
  EXPECT_EQ(found.ids, newest_first(mine));
  if (has_index()) {
    EXPECT_LE(found.rows, 2 * mine.size());
  }
  EXPECT_EQ(search({.destination = "46722222222"}, 500).ids.size(), 10'000u);
}

TEST_P(NumberIndex, WhatIsOutsideTheTimesIsLeftOut) {
  settle();
  take("46700000001", "46711111111", 4);
  now_ += 1h;
  const auto later = take("46700000001", "46711111111", 4);
  now_ += 1h;
  take("46700000001", "46711111111", 4);
  EXPECT_EQ(search({.destination = "46711111111", .since = now_ - 90min, .until = now_ - 30min}).ids,
            newest_first(later));
}

TEST_P(NumberIndex, WhatWasPurgedIsNotFoundAndLeavesNothingBehind) {
  settle();
  up("carrier:up1");
  const auto ids = take("46700000001", "46711111111", 3);
  for (const auto id : ids) run({cancel{{3, 900}, {.id = id}}});
  ASSERT_TRUE(store_->remove(ids));
  EXPECT_TRUE(search({.destination = "46711111111"}).ids.empty());
}

// What an older version left is found at once, and in the index after a while.
TEST_P(NumberIndex, AStoreWithoutOneGetsItLater) {
  number_index_ = false;
  restart();
  const auto old = take("46700000001", "46711111111", 10);
  take("46700000002", "46722222222", 2'500);
  EXPECT_EQ(search({.destination = "46711111111"}).ids, newest_first(old));
  number_index_ = true;
  restart();
  const auto fresh = take("46700000001", "46711111111", 10);
  auto both = old;
  both.insert(both.end(), fresh.begin(), fresh.end());
  EXPECT_EQ(search({.destination = "46711111111"}).ids, newest_first(both));
  settle();
  const auto found = search({.destination = "46711111111"});
  EXPECT_EQ(found.ids, newest_first(both));
  if (has_index()) {
    EXPECT_LE(found.rows, 2 * both.size());
  }
}

TEST_P(NumberIndex, WholeMessagesWithEarlierIdsAreFoundToo) {
  set_rules({{"client:alice", {.whole_messages = true}}});
  settle();
  const auto part = [&](std::uint8_t number) {
    auto c = text_message("46711111111");
    c.source.value = "46700000001";
    submit_extras x;
    x.piece = submit_extras::part{.reference = 7, .count = 2, .number = number};
    return with(std::move(c), x, ++token_);
  };
  const auto id = EachStore::take(part(1)).id;
  take("46700000002", "46722222222", 5'000);  // a run of entries is stored meanwhile
  EachStore::take(part(2));
  EXPECT_EQ(search({.destination = "46711111111"}).ids, std::vector{id});
}

MSGKIT_ON_EACH_STORE(NumberIndex);

TEST(NumberKey, APlusMakesNoDifference) {
  EXPECT_EQ(number_key("+46700000001"), number_key("46700000001"));
  EXPECT_NE(number_key("46700000001"), number_key("46700000002"));
}

// Of an older version, an instance that lives knows nothing of the index: what it writes is found all the same.
TEST(NumberIndexOfSeveral, IsUsedOnceAllInstancesWriteIt) {
  MSGKIT_NEEDS_POSTGRES();
  const auto schema = fresh_schema();
  auto old_options = postgres_options(schema, "old");
  old_options.number_index = false;
  auto old_store = open_postgres(old_options);
  auto new_store = open_postgres(postgres_options(schema, "new"));
  ASSERT_TRUE(old_store && new_store);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(new_store->index_more(1'000));
  EXPECT_TRUE(new_store->indexed()->empty());
  message_content c = text_message("46711111111");
  message_progress p;
  p.state = message_state::queued;
  id_source ids;
  std::vector<record> records{{ids.next(t0), true, &c, &p}};
  ASSERT_TRUE(old_store->commit(records));
  old_store.reset();
  while (new_store->indexed()->empty() || new_store->indexed()->from) ASSERT_TRUE(new_store->index_more(1'000));
  std::size_t found = 0;
  const auto report = new_store->browse_number(
      number_key("46711111111"), {}, greatest_id, 10, [&](message&&) { ++found; }, [](message_id, const fault&) {});
  ASSERT_TRUE(report);
  EXPECT_EQ(found, 1u);
}

}  // namespace
