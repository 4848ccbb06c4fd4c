#include "engine/wal_check.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/sqlite_store.hpp"
#include "temporary_directory.hpp"

using namespace msgkit;
using namespace msgkit::engine;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, const std::string& octets) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
}

// A store that was cut off after `count` commits of one message, and its log.
class WalCheck : public ::testing::Test {
 protected:
  WalCheck() {
    const auto path = dir_.file("live.db");
    std::string why;
    auto store = sqlite_store::open({.path = path}, &why);
    EXPECT_TRUE(store) << why;
    for (std::uint64_t key = 1; key <= commits; ++key) {
      message_content content;
      content.account = "client:alice";
      content.body = byte_vector(20, 0x42);
      const message_progress progress;
      const record r[] = {{message_id{key}, true, &content, &progress}};
      EXPECT_TRUE((*store)->commit(r));
    }
    main_ = read_file(path);
    log_ = read_file(path + "-wal");
  }
  std::string check(const std::string& log) {
    write_file(dir_.file("copy.db-wal"), log);
    return check_wal(dir_.file("copy.db-wal"));
  }
  // The newest message after an open, or the reason of its refusal.
  std::string open_copy(const std::string& log) {
    const auto path = dir_.file("copy.db");
    write_file(path, main_);
    write_file(path + "-wal", log);
    std::string why;
    const auto store = sqlite_store::open({.path = path}, &why);
    return store ? std::to_string((*store)->last_id()->key()) : why;
  }
  static std::string flipped(std::string octets, std::size_t at) {
    octets[at] = static_cast<char>(octets[at] ^ 0x10);
    return octets;
  }
  static constexpr std::uint64_t commits = 10;
  temporary_directory dir_;
  std::string main_, log_;
};

}  // namespace

TEST_F(WalCheck, ASoundLogAndNoLogAreFine) {
  EXPECT_EQ(check(log_), "");
  EXPECT_EQ(check(""), "");
  EXPECT_EQ(check_wal(dir_.file("none")), "");
  EXPECT_EQ(open_copy(log_), "10");
}

TEST_F(WalCheck, EveryTornTailIsFine) {
  for (std::size_t size = 0; size < log_.size(); size += 331) EXPECT_EQ(check(log_.substr(0, size)), "") << size;
  EXPECT_EQ(open_copy(log_.substr(0, log_.size() - 100)), "9");
  // A tail that was given its room and not its content.
  EXPECT_EQ(check(log_.substr(0, log_.size() - 9'000) + std::string(9'000, '\0')), "");
  EXPECT_EQ(check(std::string(log_.size(), '\0')), "");
}

TEST_F(WalCheck, AFlippedBitBeforeStoredTransactionsIsDamage) {
  for (std::size_t at = 0; at < log_.size() / 2; at += at < 100 ? 1 : 97) {
    if (at >= 12 && at < 16) continue;  // the header's checkpoint number: looks like a header cut short
    EXPECT_NE(check(flipped(log_, at)), "") << at;
  }
  const auto path = dir_.file("copy.db-wal");
  EXPECT_NE(open_copy(flipped(log_, log_.size() / 2)).find(path), std::string::npos);
  EXPECT_EQ(read_file(path), flipped(log_, log_.size() / 2)) << "the evidence is left alone";
}

TEST_F(WalCheck, AHeaderThatWasCutShortIsFine) {
  auto log = log_;
  log[15] = static_cast<char>(log[15] + 1);  // the next use of the file has begun
  EXPECT_EQ(check(log), "");
  for (int i = 16; i < 24; ++i) log[static_cast<std::size_t>(i)] = static_cast<char>(i * 37);
  EXPECT_EQ(check(log), "");
}

TEST_F(WalCheck, AFlippedBitInTheLastTransactionLooksLikeATornTail) {
  EXPECT_EQ(check(flipped(log_, log_.size() - 100)), "");
  EXPECT_EQ(open_copy(flipped(log_, log_.size() - 100)), "9");
}

TEST_F(WalCheck, AnOpenLeavesNothingBehindTheEndOfTheLog) {
  EXPECT_EQ(open_copy(log_.substr(0, log_.size() - 100)), "9");
  const auto path = dir_.file("again.db");
  write_file(path, main_);
  write_file(path + "-wal", log_.substr(0, log_.size() - 100));
  std::string why;
  const auto store = sqlite_store::open({.path = path}, &why);
  ASSERT_TRUE(store) << why;
  EXPECT_EQ(std::filesystem::file_size(path + "-wal"), 0u);
  EXPECT_EQ(*(*store)->last_id(), message_id{9});
}
