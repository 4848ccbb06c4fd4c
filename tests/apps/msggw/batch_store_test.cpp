#include "msggw/batch/batch_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/digest.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

struct BatchStore : ::testing::Test {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("msgkit_batch_" + to_hex(as_bytes(random_octets(8))));
  std::string why;
  std::unique_ptr<batch_store> store;

  BatchStore() {
    std::filesystem::create_directory(directory);
    store = batch_store::open(directory / "b.db", why);
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
  void record(const std::string& id, std::uint64_t index, std::string status, std::int64_t at = 1'000) {
    const batch_item item{.index = index, .status = std::move(status)};
    EXPECT_TRUE(store->record(id, std::span(&item, 1), at));
  }
};

TEST_F(BatchStore, EndsABatchWithItsLastItem) {
  ASSERT_TRUE(store) << why;
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

TEST_F(BatchStore, KeepsEverythingAcrossAnOpening) {
  add("a", 3);
  record("a", 1, "sent");
  store.reset();
  store = batch_store::open(directory / "b.db", why);
  ASSERT_TRUE(store) << why;
  EXPECT_EQ(find("a").sent, 1u);
  EXPECT_EQ(waiting("a").size(), 2u);
  std::vector<batch> active;
  ASSERT_TRUE(store->active(active));
  EXPECT_EQ(active.size(), 1u);
}

TEST_F(BatchStore, AsksAgainOnlyAfterAPause) {
  add("a", 1);
  record("a", 0, "queued", 5'000);
  EXPECT_TRUE(waiting("a", 4'999).empty());
  EXPECT_EQ(waiting("a", 5'000).size(), 1u);
}

TEST_F(BatchStore, CancelsWhatIsNotSentAndKeepsTheTruthAboutTheRest) {
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

TEST_F(BatchStore, ShowsABatchToItsClientOnly) {
  add("a", 1);
  std::vector<batch> found;
  ASSERT_TRUE(store->find(8, "a", 1, 0, found));
  EXPECT_TRUE(found.empty());
}

TEST_F(BatchStore, SaysWhyItCannotOpen) {
  EXPECT_FALSE(batch_store::open(directory / "missing" / "b.db", why));
  EXPECT_NE(why.find("missing"), std::string::npos);
}

}  // namespace
}  // namespace msgkit::app
