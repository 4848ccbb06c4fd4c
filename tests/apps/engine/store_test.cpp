// What every store promises, on each of them.
#include "engine/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "engine/error.hpp"
#include "engine/memory_store.hpp"
#include "engine/sqlite_store.hpp"
#include "mariadb_server.hpp"
#include "postgres_fixture.hpp"
#include "temporary_directory.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {

constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};

std::unique_ptr<store> open_sqlite(const std::string& path) {
  std::string why;
  auto s = sqlite_store::open({.path = path}, &why);
  EXPECT_TRUE(s) << why;
  return s ? *std::move(s) : nullptr;
}

message make(std::uint64_t key, std::size_t body = 20) {
  auto c = std::make_shared<message_content>();
  c->account = "client:alice";
  c->destination.value = "46700000001";
  c->body = byte_vector(body, 0x42);
  message m{message_id{key}, c, {}};
  m.progress.state = message_state::queued;
  m.progress.accepted_at = t0;
  m.progress.events.add(t0, event_kind::accepted, 0, 0, "", "client:alice");
  return m;
}
record fresh(const message& m) { return {m.id, true, m.content.get(), &m.progress}; }
record changed(const message& m) { return {m.id, false, m.content.get(), &m.progress}; }

class Stores : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "postgres") {
      MSGKIT_NEEDS_POSTGRES();
      options_ = postgres_options(fresh_schema());
    } else if (GetParam() == "mariadb") {
      MSGKIT_NEEDS_MARIADB();
      mariadb_ = shared_mariadb().options(fresh_database());
    }
    reopen();
    ASSERT_NE(store_, nullptr);
  }
  void reopen() {
    if (GetParam() == "memory") {
      auto next = store_ ? std::make_unique<memory_store>(static_cast<memory_store&>(*store_).after_crash())
                         : std::make_unique<memory_store>();
      store_ = std::move(next);
    } else if (GetParam() == "postgres") {
      store_.reset();
      store_ = open_postgres(options_);
    } else if (GetParam() == "mariadb") {
      store_.reset();
      store_ = open_mariadb(mariadb_);
    } else {
      store_.reset();
      store_ = open_sqlite(dir_.file("messages.db"));
    }
  }
  std::vector<message> active() {
    std::vector<message> out;
    const auto report = store_->load_active([&](message&& m) { out.push_back(std::move(m)); },
                                            [](message_id, const fault&) { ADD_FAILURE() << "corrupt"; });
    EXPECT_TRUE(report);
    return out;
  }
  temporary_directory dir_;
  postgres_store_options options_;
  mariadb_store_options mariadb_;
  std::unique_ptr<store> store_;
};

}  // namespace

TEST_P(Stores, BrowsesFromTheNewestDown) {
  std::vector<message> all;
  for (std::uint64_t key = 1; key <= 6; ++key) all.push_back(make(key * 10));
  all[1].progress.state = message_state::delivered;
  all[1].progress.settled = true;
  for (const auto& m : all) ASSERT_TRUE(store_->commit(std::vector{fresh(m)}));
  const auto browse = [&](std::uint64_t from, std::uint64_t before, std::size_t limit) {
    std::vector<std::uint64_t> keys;
    const auto read = store_->browse(message_id{from}, message_id{before}, limit,
                                     [&](message&& m) { keys.push_back(m.id.key()); }, [](message_id, const fault&) {});
    EXPECT_TRUE(read && read->loaded == keys.size());
    return keys;
  };
  EXPECT_EQ(browse(0, 1'000, 3), (std::vector<std::uint64_t>{60, 50, 40}));
  EXPECT_EQ(browse(0, 40, 10), (std::vector<std::uint64_t>{30, 20, 10}));
  EXPECT_EQ(browse(20, 31, 10), (std::vector<std::uint64_t>{30, 20}));
  EXPECT_TRUE(browse(61, 1'000, 10).empty());
}

TEST_P(Stores, KeepWhatWasCommittedOverAReopen) {
  const auto m = make(5);
  const record r[] = {fresh(m)};
  ASSERT_TRUE(store_->commit(r));
  reopen();
  const auto found = store_->find(m.id);
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(*(*found)->content, *m.content);
  EXPECT_EQ((*found)->progress, m.progress);
  EXPECT_FALSE(store_->find(message_id{6})->has_value());
}

TEST_P(Stores, LoadUnsettledMessagesInIdOrder) {
  auto a = make(9), b = make(3), c = make(6);
  const record r[] = {fresh(b), fresh(c), fresh(a)};
  ASSERT_TRUE(store_->commit(r));
  c.progress.state = message_state::delivered;
  c.progress.settled = true;
  const record r2[] = {changed(c)};
  ASSERT_TRUE(store_->commit(r2));
  reopen();
  const auto found = active();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].id, b.id);
  EXPECT_EQ(found[1].id, a.id);
  EXPECT_EQ(store_->find(c.id)->value().progress.state, message_state::delivered);
  EXPECT_EQ(*store_->last_id(), a.id);
}

TEST_P(Stores, KeepLargeContents) {
  auto m = make(1, body_octets_max);
  const record r[] = {fresh(m)};
  ASSERT_TRUE(store_->commit(r));
  m.progress.state = message_state::sending;
  const record r2[] = {changed(m)};
  ASSERT_TRUE(store_->commit(r2));
  reopen();
  ASSERT_EQ(active().size(), 1u);
  EXPECT_EQ(active()[0].content->body.size(), body_octets_max);
  EXPECT_EQ(active()[0].progress.state, message_state::sending);
}

TEST_P(Stores, ReplaceAContentOfAnySize) {
  auto m = make(1);
  const record first[] = {fresh(m)};
  ASSERT_TRUE(store_->commit(first));
  for (const std::size_t size : {5'000u, 6'000u, 3u, 0u, 2'000u}) {
    auto other = std::make_shared<message_content>(*m.content);
    other->body.assign(size, 'y');
    m.content = other;
    auto r = changed(m);
    r.is_replaced = true;
    ASSERT_TRUE(store_->commit(std::span(&r, 1)));
    reopen();
    const auto found = store_->find(m.id);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(*(*found)->content, *m.content) << size;
  }
}

TEST_P(Stores, AMessageMayBeSettledWhenItIsNew) {
  auto m = make(1);
  m.progress.settled = true;
  const record r[] = {fresh(m)};
  ASSERT_TRUE(store_->commit(r));
  EXPECT_TRUE(active().empty());
  EXPECT_TRUE(store_->find(m.id)->has_value());
}

TEST_P(Stores, RemoveWhateverTheState) {
  const auto a = make(1), b = make(2, 5'000);
  const record r[] = {fresh(a), fresh(b)};
  ASSERT_TRUE(store_->commit(r));
  const message_id gone[] = {a.id, b.id, message_id{77}};
  ASSERT_TRUE(store_->remove(gone));
  reopen();
  EXPECT_TRUE(active().empty());
  EXPECT_EQ(*store_->last_id(), message_id{});
}

TEST_P(Stores, PurgeSettledOnesBelowABoundInPieces) {
  std::vector<message> list;
  for (std::uint64_t k = 1; k <= 10; ++k) {
    list.push_back(make(k, k == 2 ? 5'000 : 20));
    list.back().progress.settled = k != 5;
  }
  std::vector<record> r;
  for (const auto& m : list) r.push_back(fresh(m));
  ASSERT_TRUE(store_->commit(r));
  EXPECT_EQ(*store_->purge(message_id{9}, 4), 4u);
  EXPECT_EQ(*store_->purge(message_id{9}, 4), 3u);
  EXPECT_EQ(*store_->purge(message_id{9}, 4), 0u);
  EXPECT_TRUE(store_->find(message_id{5})->has_value());
  EXPECT_TRUE(store_->find(message_id{9})->has_value());
  EXPECT_FALSE(store_->find(message_id{2})->has_value());
}

TEST_P(Stores, WriteBatchesOfAnySize) {
  std::vector<message> list;
  for (std::uint64_t k = 1; k <= 5'003; ++k) list.push_back(make(k, k % 1'000 == 0 ? body_octets_max : 10));
  std::vector<record> r;
  for (const auto& m : list) r.push_back(fresh(m));
  ASSERT_TRUE(store_->commit(r));
  r.clear();
  for (auto& m : list) {
    m.progress.settled = m.id.key() > 4'999;
    m.progress.attempts = static_cast<std::uint32_t>(m.id.key());
    r.push_back(changed(m));
  }
  ASSERT_TRUE(store_->commit(r));
  reopen();
  const auto found = active();
  ASSERT_EQ(found.size(), 4'999u);
  for (const auto& m : found) {
    ASSERT_EQ(m.progress.attempts, m.id.key());
    ASSERT_EQ(m.content->body.size(), list[m.id.key() - 1].content->body.size());
  }
}

TEST_P(Stores, ChangesOfMessagesThatAreNotThereDoNothing) {
  const auto m = make(5);
  const record r[] = {changed(m)};
  ASSERT_TRUE(store_->commit(r));
  EXPECT_TRUE(active().empty());
}

TEST_P(Stores, CommittingNothingIsFine) {
  ASSERT_TRUE(store_->commit({}));
  EXPECT_EQ(*store_->last_id(), message_id{});
}

TEST_P(Stores, RecoverKeepsWhatWasCommitted) {
  const auto m = make(5);
  const record r[] = {fresh(m)};
  ASSERT_TRUE(store_->commit(r));
  ASSERT_TRUE(store_->recover());
  EXPECT_EQ(active().size(), 1u);
  const auto n = make(6);
  const record r2[] = {fresh(n)};
  ASSERT_TRUE(store_->commit(r2));
  EXPECT_EQ(active().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Each, Stores, ::testing::Values("memory", "sqlite", "postgres", "mariadb"), [](const auto& i) { return i.param; });

// ---- the file -----------------------------------------------------------------------------------------------------

namespace {

void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}
std::string open_error(const std::string& path, errc expected) {
  std::string why;
  const auto s = sqlite_store::open({.path = path}, &why);
  EXPECT_FALSE(s);
  if (!s) {
    EXPECT_EQ(s.error().code, expected);
  }
  return why;
}

}  // namespace

TEST(SqliteStore, ErrorsNameThePathAndTheReason) {
  temporary_directory dir;
  const auto missing = dir.file("no/such/dir.db");
  EXPECT_EQ(open_error(missing, errc::store_open_failed), "store " + missing + " cannot be opened: unable to open database file");

  const auto text = dir.file("notes.txt");
  std::ofstream{text} << std::string(10'000, 'x');
  EXPECT_NE(open_error(text, errc::store_open_failed).find("file is not a database"), std::string::npos);

  const auto foreign = dir.file("foreign.db");
  execute(foreign, "CREATE TABLE t(x)");
  EXPECT_EQ(open_error(foreign, errc::store_open_failed), "store " + foreign + " is a database of another program");
}

TEST(SqliteStore, RefusesANewerSchema) {
  temporary_directory dir;
  const auto path = dir.file("messages.db");
  open_sqlite(path).reset();
  execute(path, "PRAGMA user_version=4");
  EXPECT_EQ(open_error(path, errc::store_newer), "store " + path + " has schema version 4, this program knows up to 3");
}

TEST(SqliteStore, RefusesASecondGatewayOnTheSameFile) {
  temporary_directory dir;
  const auto path = dir.file("messages.db");
  const auto first = open_sqlite(path);
  EXPECT_NE(open_error(path, errc::store_open_failed).find("locked"), std::string::npos);
}

TEST(SqliteStore, ADamagedRowIsReportedAndTheOthersLoaded) {
  temporary_directory dir;
  const auto path = dir.file("messages.db");
  auto s = open_sqlite(path);
  const auto a = make(1), b = make(2), c = make(3);
  const record r[] = {fresh(a), fresh(b), fresh(c)};
  ASSERT_TRUE(s->commit(r));
  s.reset();
  execute(path, "UPDATE message SET content = x'0102030405060708' WHERE id = 2");
  s = open_sqlite(path);
  std::vector<message_id> good, bad;
  const auto report = s->load_active([&](message&& m) { good.push_back(m.id); },
                                     [&](message_id id, const fault& f) {
                                       bad.push_back(id);
                                       EXPECT_EQ(f.code, errc::record_corrupt);
                                     });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->corrupt, 1u);
  EXPECT_EQ(good, (std::vector{a.id, c.id}));
  EXPECT_EQ(bad, std::vector{b.id});
  EXPECT_EQ(s->find(b.id).error().code, errc::record_corrupt);
}

TEST(SqliteStore, AQuickCheckRefusesDamageThatNobodyWouldReadAtStart) {
  temporary_directory dir;
  const auto path = dir.file("messages.db");
  auto s = open_sqlite(path);
  std::vector<message> list;
  std::vector<record> r;
  for (std::uint64_t k = 1; k <= 200; ++k) {
    list.push_back(make(k, 500));
    list.back().progress.settled = true;
  }
  for (const auto& m : list) r.push_back(fresh(m));
  ASSERT_TRUE(s->commit(r));
  s.reset();
  EXPECT_TRUE(sqlite_store::open({.path = path, .quick_check = true}));
  std::fstream{path, std::ios::in | std::ios::out | std::ios::binary}.seekp(5 * 8'192).write("\0\0\0\0\0\0\0\0", 8);
  EXPECT_TRUE(sqlite_store::open({.path = path}));
  std::string why;
  EXPECT_FALSE(sqlite_store::open({.path = path, .quick_check = true}, &why));
  EXPECT_NE(why.find(path + " is damaged: "), std::string::npos) << why;
}

TEST(SqliteStore, ATornTailOfTheLogIsCutAndWhatWasBeforeIsKept) {
  temporary_directory dir;
  const auto path = dir.file("messages.db"), copy = dir.file("copy.db");
  auto s = open_sqlite(path);
  for (std::uint64_t k = 1; k <= 3; ++k) {
    const auto m = make(k);
    const record r[] = {fresh(m)};
    ASSERT_TRUE(s->commit(r));
  }
  // As after a power cut in the middle of the last commit.
  std::filesystem::copy_file(path, copy);
  std::filesystem::copy_file(path + "-wal", copy + "-wal");
  std::filesystem::resize_file(copy + "-wal", std::filesystem::file_size(copy + "-wal") - 100);
  s = open_sqlite(copy);
  EXPECT_EQ(*s->last_id(), message_id{2});
}

TEST(SqliteStore, ALoadUsesTheIndexOfActiveMessages) {
  temporary_directory dir;
  const auto path = dir.file("messages.db");
  open_sqlite(path).reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_stmt* q = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db, "EXPLAIN QUERY PLAN SELECT id FROM message WHERE active = 1 ORDER BY id", -1, &q, nullptr),
            SQLITE_OK);
  std::string plan;
  while (sqlite3_step(q) == SQLITE_ROW) plan += reinterpret_cast<const char*>(sqlite3_column_text(q, 3));
  sqlite3_finalize(q);
  sqlite3_close(db);
  EXPECT_NE(plan.find("message_active"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
}
