#include "msggw/directory/document_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "msggw/directory/postgres_document_store.hpp"
#include "postgres_fixture.hpp"

namespace msgkit::app {
namespace {

struct temporary_path {
  std::string path = std::filesystem::temp_directory_path() /
                     ("msgkit_documents_" + std::to_string(::getpid()) + "_" + std::to_string(++count) + ".db");
  ~temporary_path() {
    for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  }
  static inline int count = 0;
};

struct DocumentStore : ::testing::TestWithParam<const char*> {
  temporary_path file;
  bool is(std::string_view kind) const { return kind == GetParam(); }
  void SetUp() override {
    if (is("postgres")) MSGKIT_NEEDS_POSTGRES();
  }
  std::unique_ptr<document_store> open() {
    if (is("memory")) return make_memory_document_store();
    std::string why;
    if (is("postgres")) return open_postgres_document_store(postgres_options(fresh_schema()), why);
    auto store = open_sqlite_document_store(file.path, why);
    EXPECT_NE(store, nullptr) << why;
    return store;
  }
};
INSTANTIATE_TEST_SUITE_P(Each, DocumentStore, ::testing::Values("memory", "sqlite", "postgres"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(DocumentStore, ReplacesAndRemovesInOneVersion) {
  const auto store = open();
  const std::vector<document_change> first{{"client", 1, "a"}, {"client", 2, "b"}, {"carrier", 3, "c"}};
  ASSERT_EQ(store->commit(0, 3, first, {}), store_outcome::done);
  const std::vector<document_change> second{{"client", 1, "A"}, {"client", 2, std::nullopt}};
  ASSERT_EQ(store->commit(1, 3, second, {}), store_outcome::done);
  document_store::contents found;
  ASSERT_EQ(store->load(found), store_outcome::done);
  EXPECT_EQ(found.version, 2u);
  EXPECT_EQ(found.last_id, 3u);
  ASSERT_EQ(found.documents.size(), 2u);
  EXPECT_EQ(found.documents[0].body + found.documents[1].body, "cA");
}

TEST_P(DocumentStore, RefusesAWriterThatDidNotSeeTheLatest) {
  const auto store = open();
  const std::vector<document_change> change{{"client", 1, "a"}};
  ASSERT_EQ(store->commit(0, 1, change, {}), store_outcome::done);
  EXPECT_EQ(store->commit(0, 1, change, {}), store_outcome::conflict);
  std::uint64_t version = 0;
  ASSERT_EQ(store->version(version), store_outcome::done);
  EXPECT_EQ(version, 1u);
}

TEST_P(DocumentStore, PagesThroughTheAudit) {
  const auto store = open();
  for (std::uint64_t v = 0; v < 5; ++v) {
    const std::vector<audit_entry> audit{{v + 1, 17, "me", "update", "client", v, "before", "after"}};
    ASSERT_EQ(store->commit(v, 0, {}, audit), store_outcome::done);
  }
  std::vector<audit_entry> page;
  ASSERT_EQ(store->audit(0, 2, page), store_outcome::done);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].version, 5u);
  EXPECT_EQ(page[0].before + page[0].after, "beforeafter");
  EXPECT_EQ(page[0].at_ms, 17);
  ASSERT_EQ(store->audit(page[1].version, 10, page), store_outcome::done);
  EXPECT_EQ(page.size(), 3u);
}

TEST(SqliteDocumentStore, TwoHandlesShareOneFile) {
  const temporary_path file;
  std::string why;
  const auto one = open_sqlite_document_store(file.path, why), two = open_sqlite_document_store(file.path, why);
  ASSERT_TRUE(one && two) << why;
  const std::vector<document_change> change{{"client", 1, "a"}};
  ASSERT_EQ(one->commit(0, 1, change, {}), store_outcome::done);
  EXPECT_EQ(two->commit(0, 1, change, {}), store_outcome::conflict);
  document_store::contents found;
  ASSERT_EQ(two->load(found), store_outcome::done);
  EXPECT_EQ(found.documents.size(), 1u);
}

TEST(SqliteDocumentStore, SaysWhyItCannotOpen) {
  std::string why;
  EXPECT_EQ(open_sqlite_document_store("/nonexistent/directory.db", why), nullptr);
  EXPECT_NE(why.find("/nonexistent/directory.db"), std::string::npos);
  const temporary_path file;
  std::ofstream(file.path) << std::string(4'096, 'x');
  EXPECT_EQ(open_sqlite_document_store(file.path, why), nullptr);
  EXPECT_NE(why.find("not a database"), std::string::npos) << why;
}

struct PostgresDocumentStore : ::testing::Test {
  const std::string schema = fresh_schema();
  engine::postgres_store_options server;
  std::string why;
  void SetUp() override {
    MSGKIT_NEEDS_POSTGRES();
    server = postgres_options(schema);
  }
  std::unique_ptr<document_store> open() {
    auto store = open_postgres_document_store(server, why);
    EXPECT_TRUE(store) << why;
    return store;
  }
  static store_outcome put(document_store& store, std::uint64_t version) {
    const std::vector<document_change> change{{"client", version + 1, "{\"name\": \"h\u00e9\"}"}};
    return store.commit(version, version + 1, change, {});
  }
};

TEST_F(PostgresDocumentStore, TwoGatewaysShareIt) {
  const auto one = open(), two = open();
  ASSERT_TRUE(one && two);
  ASSERT_EQ(put(*one, 0), store_outcome::done);
  EXPECT_EQ(put(*two, 0), store_outcome::conflict);
  EXPECT_EQ(put(*two, 1), store_outcome::done);
  document_store::contents found;
  ASSERT_EQ(one->load(found), store_outcome::done);
  EXPECT_EQ(found.version, 2u);
  EXPECT_EQ(found.documents.size(), 2u);
}

TEST_F(PostgresDocumentStore, IsThereAgainWhenTheServerIs) {
  const auto store = open();
  ASSERT_TRUE(store);
  ASSERT_EQ(put(*store, 0), store_outcome::done);
  shared_postgres().kill();
  std::uint64_t version = 0;
  EXPECT_EQ(store->version(version), store_outcome::failed);
  EXPECT_NE(store->error_text(), "");
  shared_postgres().start();
  EXPECT_EQ(put(*store, 1), store_outcome::done);
  EXPECT_EQ(store->version(version), store_outcome::done);
  EXPECT_EQ(version, 2u);
}

TEST_F(PostgresDocumentStore, RefusesWhatANewerProgramWrote) {
  ASSERT_TRUE(open());
  shared_postgres().sql("UPDATE msgkit_directory SET schema = 9", schema);
  EXPECT_FALSE(open_postgres_document_store(server, why));
  EXPECT_NE(why.find("schema version 9"), std::string::npos) << why;
}

TEST_F(PostgresDocumentStore, SaysWhyItCannotOpen) {
  server.dsn = "host=/nonexistent dbname=x";
  EXPECT_FALSE(open_postgres_document_store(server, why));
  EXPECT_NE(why.find("/nonexistent"), std::string::npos) << why;
}

// Counts the looks of a watch, and waits for them.
struct looks {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;
  void add() {
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  }
  bool reach(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(30), [&] { return count >= wanted; });
  }
};

TEST_F(PostgresDocumentStore, AWatchLooksAtOnceThenAgainAndAgain) {
  const auto store = open();
  looks seen;
  directory_watch watch(server, [&] { seen.add(); });
  EXPECT_TRUE(seen.reach(1));
  ASSERT_EQ(put(*store, 0), store_outcome::done);
  EXPECT_TRUE(seen.reach(3));  // by the notification, or by itself
}

TEST_F(PostgresDocumentStore, AWatchOutlivesItsConnectionAndTheServer) {
  looks seen;
  directory_watch watch(server, [&] { seen.add(); });
  EXPECT_TRUE(seen.reach(1));
  shared_postgres().kill();
  int before = 0;
  {
    const std::lock_guard lock(seen.mutex);
    before = seen.count;
  }
  EXPECT_TRUE(seen.reach(before + 2));  // it asks without a connection too
  shared_postgres().start();
  const auto store = open();
  ASSERT_EQ(put(*store, 0), store_outcome::done);
  EXPECT_TRUE(seen.reach(before + 4));
}

}  // namespace
}  // namespace msgkit::app
