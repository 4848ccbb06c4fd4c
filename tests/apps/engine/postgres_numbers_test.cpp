// The index of numbers in PostgreSQL: entries wait in rows of their own, and become runs that overlap when several
// instances write.
#include <atomic>
#include <set>
#include <thread>

#include "driver.hpp"
#include "engine/number_index.hpp"
#include "engine/postgres_connection.hpp"
#include "engine/postgres_schema.hpp"
#include "postgres_fixture.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

const std::string needle = "46711111111";

class PostgresNumbers : public ::testing::Test {
 protected:
  void SetUp() override {
    MSGKIT_NEEDS_POSTGRES();
    schema_ = fresh_schema();
  }
  std::string sql(const std::string& text) { return shared_postgres().sql(text, schema_); }
  std::unique_ptr<postgres_store> open(const std::string& instance) {
    return open_postgres(postgres_options(schema_, instance));
  }
  static void index_all(store& s) {
    while (s.indexed()->empty() || s.indexed()->from) ASSERT_TRUE(s.index_more(1'000));
  }
  // `count` messages in one commit, the first of them to the needle; returns its id.
  message_id commit(store& s, std::size_t count, const std::string& source = "") {
    std::vector<message_content> contents;
    std::vector<record> records;
    contents.reserve(count);
    message_progress p;
    p.settled = true;
    p.state = message_state::delivered;
    const auto first = next_;
    for (std::size_t i = 0; i < count; ++i) {
      auto c = text_message(i == 0 ? needle : std::to_string(46'720'000'000 + next_ % 50'000));
      c.source.value = source.empty() || i > 0 ? std::to_string(46'730'000'000 + next_) : source;
      contents.push_back(std::move(c));
      records.push_back({message_id{next_++}, true, &contents.back(), &p});
    }
    EXPECT_TRUE(s.commit(records)) << s.error_text();
    return message_id{first};
  }
  // By as many looks as it takes, at most `limit` messages each.
  static std::vector<message_id> search(store& s, std::size_t limit, const std::string& number = needle) {
    std::vector<message_id> ids;
    message_id before = greatest_id;
    for (;;) {
      const auto report = s.browse_number(
          number_key(number), {}, before, limit, [&](message&& m) { ids.push_back(m.id); },
          [](message_id, const fault&) { ADD_FAILURE() << "corrupt"; });
      if (!report) ADD_FAILURE() << s.error_text();
      if (!report || !report->reached) return ids;
      before = report->reached;
    }
  }
  static std::vector<message_id> newest_first(std::vector<message_id> ids) {
    std::ranges::sort(ids, std::greater{});
    return ids;
  }
  std::string schema_;
  std::uint64_t next_ = first_id_at(t0).key();
};

TEST_F(PostgresNumbers, RunsOfSeveralInstancesAreSearchedAsOne) {
  auto a = open("a"), b = open("b");
  index_all(*a);
  std::vector<message_id> needles;
  for (int i = 0; i < 60; ++i) needles.push_back(commit(i % 3 == 0 ? *b : *a, 1'000));
  EXPECT_GE(std::stoi(sql("SELECT count(*) FROM msgkit_number_run")), 2);
  EXPECT_LE(std::stoi(sql("SELECT count(*) FROM msgkit_number_new")), 34) << "each keeps at most a run waiting";
  for (const std::size_t limit : {1u, 7u, 1'000u}) {
    EXPECT_EQ(search(*a, limit), newest_first(needles)) << limit;
    EXPECT_EQ(search(*b, limit), newest_first(needles)) << limit;
  }
}

TEST_F(PostgresNumbers, WhatIsForgottenLeavesRunsAndWhatWaits) {
  auto s = open("a");
  index_all(*s);
  const auto in_run = commit(*s, 2'000, needle), kept = commit(*s, 2'000);
  for (int i = 0; i < 7; ++i) commit(*s, 2'000, "46744444444");
  ASSERT_EQ(sql("SELECT count(*) FROM msgkit_number_run"), "1");
  ASSERT_EQ(sql("SELECT count(*) FROM msgkit_number_new"), "0");
  const auto waiting = commit(*s, 1'000, needle);
  const auto octets = [&] {
    return std::stol(
        sql("SELECT (SELECT coalesce(sum(length(entries)), 0) FROM msgkit_number_slot)"
            " + (SELECT coalesce(sum(length(entries)), 0) FROM msgkit_number_new)"));
  };
  const auto before = octets();
  const std::vector<number_entry> forgotten{{number_key(needle), in_run}, {number_key(needle), waiting}};
  ASSERT_TRUE(s->write({.forgotten = forgotten}));
  EXPECT_EQ(octets(), before - 32);
  const auto left = search(*s, 100);
  EXPECT_EQ(left.size(), 8u);
  EXPECT_EQ(left.back(), kept);
  ASSERT_TRUE(s->write({.forgotten = forgotten})) << "what is not there is no mistake";
  EXPECT_EQ(octets(), before - 32);
}

TEST_F(PostgresNumbers, RunsGoWithTheirMessages) {
  auto s = open("a");
  index_all(*s);
  for (int i = 0; i < 18; ++i) commit(*s, 2'000);
  ASSERT_EQ(sql("SELECT count(*) FROM msgkit_number_run"), "2");
  const auto end = next_;
  commit(*s, 10);
  for (;;) {
    const auto gone = s->purge(message_id{end}, 10'000);
    ASSERT_TRUE(gone);
    if (*gone == 0) break;
  }
  EXPECT_EQ(sql("SELECT count(*) FROM msgkit_number_run"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM msgkit_number_slot"), "0");
  EXPECT_EQ(search(*s, 100), std::vector{message_id{end}});
}

TEST_F(PostgresNumbers, ALookEndsAfterAThousandRunsAndGoesOn) {
  auto s = open("a");
  index_all(*s);
  const auto oldest = commit(*s, 1);
  next_ += 10'000;
  const auto newest = commit(*s, 1);
  sql("INSERT INTO msgkit_number_run(first, last) SELECT n, n FROM generate_series(" +
      std::to_string(oldest.key() + 1) + ", " + std::to_string(oldest.key() + 2'500) + ") AS n");
  EXPECT_EQ(search(*s, 100), (std::vector{newest, oldest}));
  const auto first = s->browse_number(
      number_key(needle), {}, greatest_id, 100, [](message&&) {}, [](message_id, const fault&) {});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->reached.key(), oldest.key() + 1'501);
}

TEST_F(PostgresNumbers, NothingIsMissedWhileARunIsMade) {
  auto a = open("a"), b = open("b");
  index_all(*a);
  std::atomic<std::size_t> committed{0};
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (int i = 0; i < 60; ++i) {
      commit(*a, 1'000);
      committed = static_cast<std::size_t>(i) + 1;
    }
    done = true;
  });
  std::size_t looks = 0;
  for (bool last = false; !last; ++looks) {
    last = done;
    const std::size_t at_least = committed;
    const auto found = search(*b, 1'000);
    EXPECT_GE(found.size(), at_least);
    EXPECT_EQ(std::set(found.begin(), found.end()).size(), found.size());
  }
  EXPECT_GE(looks, 1u);
}

// An instance of the version before still lives: its index is given up, and the table goes when it has gone.
TEST_F(PostgresNumbers, TheIndexOfTheVersionBeforeIsReplaced) {
  std::string why;
  using namespace std::chrono_literals;
  {
    auto db = postgres_connection::open(shared_postgres().dsn(schema_), "", 5s, 30s, why);
    ASSERT_TRUE(db) << why;
    ASSERT_TRUE(db->script(postgres_version_table));
    for (std::size_t v = 0; v < 4; ++v) ASSERT_TRUE(db->script(postgres_migrations[v])) << db->error().text;
  }
  sql("INSERT INTO msgkit_setting VALUES('numbers_from', 0);"
      "INSERT INTO msgkit_number VALUES(2450, 1, 2);"
      "INSERT INTO msgkit_instance VALUES(0, 'old', 1, now() + interval '1 hour', true)");
  auto s = open("new");
  ASSERT_TRUE(s);
  const auto id = commit(*s, 1);
  EXPECT_EQ(sql("SELECT count(*) FROM msgkit_setting"), "0") << "what the old one finds by itself";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(s->index_more(100));
  EXPECT_TRUE(s->indexed()->empty());
  EXPECT_EQ(sql("SELECT count(*) FROM msgkit_number"), "1");
  sql("UPDATE msgkit_instance SET lease_until = '-infinity' WHERE name = 'old'");
  index_all(*s);
  EXPECT_EQ(search(*s, 10), std::vector{id});
  s.reset();
  s = open("new");
  EXPECT_EQ(sql("SELECT to_regclass('msgkit_number') IS NULL"), "t");
  EXPECT_EQ(search(*s, 10), std::vector{id});
}

// Without an index for a while, and with one again: what was indexed before is not there twice.
TEST_F(PostgresNumbers, ANewBeginningTakesTheOldEntriesAway) {
  auto s = open("a");
  index_all(*s);
  for (int i = 0; i < 9; ++i) commit(*s, 2'000);
  s.reset();
  auto without = postgres_options(schema_, "a");
  without.number_index = false;
  s = open_postgres(without);
  EXPECT_TRUE(s->indexed()->empty());
  commit(*s, 1);
  s.reset();
  s = open("a");
  index_all(*s);
  EXPECT_EQ(search(*s, 100).size(), 10u);
  EXPECT_EQ(sql("SELECT ((SELECT sum(length(entries)) FROM msgkit_number_slot)"
                " + (SELECT coalesce(sum(length(entries)), 0) FROM msgkit_number_new)) / 16"),
            std::to_string(2 * 18'001));
}

}  // namespace
