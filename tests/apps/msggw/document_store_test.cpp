#include "msggw/directory/document_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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
  std::unique_ptr<document_store> open() {
    if (std::string(GetParam()) == "memory") return make_memory_document_store();
    std::string why;
    auto store = open_sqlite_document_store(file.path, why);
    EXPECT_NE(store, nullptr) << why;
    return store;
  }
};
INSTANTIATE_TEST_SUITE_P(Each, DocumentStore, ::testing::Values("memory", "sqlite"),
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

}  // namespace
}  // namespace msgkit::app
