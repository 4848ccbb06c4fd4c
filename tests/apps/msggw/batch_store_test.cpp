#include "msggw/batch/batch_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/digest.hpp"
#include "msgkit/core/hex.hpp"
#include "postgres_fixture.hpp"

namespace msgkit::app {
namespace {

struct BatchStore : ::testing::TestWithParam<const char*> {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("msgkit_batch_" + to_hex(as_bytes(random_octets(8))));
  std::string why, schema = fresh_schema();
  std::unique_ptr<batch_store> store;

  BatchStore() { std::filesystem::create_directory(directory); }
  void SetUp() override {
    if (is_postgres()) MSGKIT_NEEDS_POSTGRES();
    store = open();
    ASSERT_TRUE(store) << why;
  }
  static bool is_postgres() { return std::string_view(GetParam()) == "postgres"; }
  std::unique_ptr<batch_store> open() {
    if (is_postgres()) return open_postgres_batch_store(postgres_options(schema), why);
    return open_sqlite_batch_store(directory / "b.db", why);
  }
  ~BatchStore() override {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  void add(const std::string& id, std::size_t count) {
    std::vector<batch_item> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back({.index = i, .to = "46700123456", .text = "x"});
    ASSERT_TRUE(store->add({.id = id, .client_id = 7, .from = "15550001", .created_ms = 1}, items));
  }
  batch find(const std::string& id) {
    std::vector<batch> found;
    EXPECT_TRUE(store->find(7, id, 1, 0, found));
    return found.empty() ? batch{} : found.front();
  }
  std::vector<batch_item> waiting(const std::string& id, std::int64_t before = 0) {
    std::vector<batch_item> items;
    EXPECT_TRUE(store->waiting(id, before, 100, items));
    return items;
  }
  static std::size_t active(batch_store& in) {
    std::vector<batch> all;
    EXPECT_TRUE(in.active(all));
    return all.size();
  }
  void record(const std::string& id, std::uint64_t index, std::string status, std::int64_t at = 1'000) {
    const batch_item item{.index = index, .status = std::move(status)};
    EXPECT_TRUE(store->record(id, std::span(&item, 1), at));
  }
};

INSTANTIATE_TEST_SUITE_P(Each, BatchStore, ::testing::Values("sqlite", "postgres"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(BatchStore, ForgetsARecipientInWhatIsNotSentAnyMore) {
  add("a", 3);
  record("a", 0, "sent");
  record("a", 1, "failed");
  std::size_t erased = 9, waiting = 9;
  EXPECT_TRUE(store->erase("46700123456", "46*********", 1, erased, waiting));
  EXPECT_EQ(erased, 1u) << "as many as asked for";
  EXPECT_TRUE(store->erase("46700123456", "46*********", 10, erased, waiting));
  EXPECT_EQ(erased, 1u);
  EXPECT_EQ(waiting, 1u) << "it is to be sent first";
  std::vector<batch_item> items;
  ASSERT_TRUE(store->items("a", 10, 0, items));
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].to, "46*********");
  EXPECT_EQ(items[0].text, "");
  EXPECT_EQ(items[2].to, "46700123456");
  EXPECT_EQ(items[2].text, "x");
  record("a", 2, "sent");
  EXPECT_TRUE(store->erase("46700123456", "46*********", 10, erased, waiting));
  EXPECT_EQ(erased, 1u);
  EXPECT_EQ(waiting, 0u);
}

TEST_P(BatchStore, RemovesWhatHasEndedAndIsOldAFewAtATime) {
  for (const auto* id : {"a", "b", "c"}) {
    add(id, 1);
    record(id, 0, "sent");
  }
  add("open", 1);
  std::size_t removed = 9;
  EXPECT_TRUE(store->purge(1, 10, removed)) << "made then, not before";
  EXPECT_EQ(removed, 0u);
  EXPECT_TRUE(store->purge(2, 2, removed));
  EXPECT_EQ(removed, 2u);
  EXPECT_TRUE(store->purge(2, 2, removed));
  EXPECT_EQ(removed, 1u);
  std::vector<batch> left;
  EXPECT_TRUE(store->find(7, "", 10, 0, left));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, "open");
  std::vector<batch_item> items;
  EXPECT_TRUE(store->items("a", 10, 0, items));
  EXPECT_TRUE(items.empty());
}

TEST_P(BatchStore, EndsABatchWithItsLastItem) {
  add("a", 2);
  record("a", 0, "sent");
  EXPECT_EQ(find("a").status, "processing");
  EXPECT_EQ(waiting("a").size(), 1u);
  record("a", 1, "failed");
  EXPECT_EQ(find("a").status, "completed");
  add("b", 1);
  record("b", 0, "failed");
  EXPECT_EQ(find("b").status, "failed");
}

TEST_P(BatchStore, KeepsEverythingAcrossAnOpening) {
  add("a", 3);
  record("a", 1, "sent");
  store.reset();
  store = open();
  ASSERT_TRUE(store) << why;
  EXPECT_EQ(find("a").sent, 1u);
  EXPECT_EQ(waiting("a").size(), 2u);
  EXPECT_EQ(active(*store), 1u);
}

TEST_P(BatchStore, AsksAgainOnlyAfterAPause) {
  add("a", 1);
  record("a", 0, "queued", 5'000);
  EXPECT_TRUE(waiting("a", 4'999).empty());
  EXPECT_EQ(waiting("a", 5'000).size(), 1u);
}

TEST_P(BatchStore, CancelsWhatIsNotSentAndKeepsTheTruthAboutTheRest) {
  add("a", 3);
  record("a", 0, "sent");
  bool changed = false;
  ASSERT_TRUE(store->cancel("a", nullptr, changed));
  EXPECT_TRUE(changed);
  EXPECT_EQ(find("a").status, "cancelled");
  record("a", 1, "sent");    // was on its way
  record("a", 2, "failed");  // would have failed: it stays cancelled
  const auto b = find("a");
  EXPECT_EQ(b.sent, 2u);
  EXPECT_EQ(b.cancelled, 1u);
  ASSERT_TRUE(store->cancel("a", nullptr, changed));
  EXPECT_FALSE(changed);
}

TEST_P(BatchStore, ShowsABatchToItsClientOnly) {
  add("a", 1);
  std::vector<batch> found;
  ASSERT_TRUE(store->find(8, "a", 1, 0, found));
  EXPECT_TRUE(found.empty());
}

TEST_P(BatchStore, SaysWhyItCannotOpen) {
  EXPECT_FALSE(open_sqlite_batch_store(directory / "missing" / "b.db", why));
  EXPECT_NE(why.find("missing"), std::string::npos);
  EXPECT_FALSE(open_postgres_batch_store({.dsn = "host=/missing dbname=x"}, why));
  EXPECT_NE(why.find("/missing"), std::string::npos);
}

struct SharedBatchStore : BatchStore {};
INSTANTIATE_TEST_SUITE_P(Each, SharedBatchStore, ::testing::Values("postgres"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(SharedBatchStore, OneGatewayAtATimeWorksOnABatch) {
  add("a", 1);
  const auto other = open();
  ASSERT_TRUE(other) << why;
  EXPECT_EQ(active(*store), 1u);
  EXPECT_EQ(active(*other), 0u);
  EXPECT_EQ(active(*store), 1u);  // still its own
  shared_postgres().sql("UPDATE msgkit_batch SET worker_until = now() - interval '1 ms'", schema);
  EXPECT_EQ(active(*other), 1u);
  EXPECT_EQ(active(*store), 0u);
}

}  // namespace
}  // namespace msgkit::app
