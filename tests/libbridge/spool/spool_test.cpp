#include "msgkit/bridge/spool/spool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "libbridge/spool/memory_files.hpp"

namespace msgkit::bridge {
namespace {

using disk_ptr = std::shared_ptr<memory_disk>;

std::shared_ptr<spool> open(const disk_ptr& disk, spool_options o = {}) {
  auto made = spool::open(std::make_unique<memory_files>(disk), o);
  EXPECT_TRUE(made);
  return *made;
}

void sync(spool& s) {
  ASSERT_TRUE(s.wants_sync());
  s.end_sync(s.begin_sync()());
}

std::vector<std::string> read_all(spool& s) {
  std::vector<std::string> all;
  while (true) {
    const auto r = s.next();
    if (!r) ADD_FAILURE() << r.error().code.message();
    if (!r || !*r) return all;
    all.emplace_back(as_text((*r)->octets));
  }
}

std::vector<std::string> lines(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back("record " + std::to_string(i));
  return all;
}

void fill(spool& s, int from, int to) {
  for (const auto& l : lines(from, to)) ASSERT_TRUE(s.append(as_bytes(l)));
}

TEST(Spool, ChecksumIsCrc32c) { EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283u); }

TEST(Spool, GivesBackWhatItGotInOrder) {
  auto s = open(std::make_shared<memory_disk>());
  fill(*s, 0, 100);
  EXPECT_EQ(read_all(*s), lines(0, 100));
  fill(*s, 100, 110);
  EXPECT_EQ(read_all(*s), lines(100, 110));
  EXPECT_EQ(s->waiting(), 110u);
}

TEST(Spool, OneSyncServesAllThatWasAppendedBefore) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk);
  fill(*s, 0, 50);
  EXPECT_EQ(s->synced(), 0u);
  auto job = s->begin_sync();
  fill(*s, 50, 60);  // meanwhile
  EXPECT_FALSE(s->wants_sync());
  s->end_sync(job());
  EXPECT_EQ(s->synced(), 50u);
  EXPECT_TRUE(s->wants_sync());
  sync(*s);
  EXPECT_EQ(s->synced(), 60u);
  EXPECT_EQ(disk->syncs, 2);
}

TEST(Spool, WhatWasSyncedSurvivesACrashAndATornTailGoes) {
  for (std::size_t kept = 0; kept < 40; ++kept) {
    const auto disk = std::make_shared<memory_disk>();
    auto s = open(disk);
    fill(*s, 0, 10);
    sync(*s);
    fill(*s, 10, 11);
    disk->crash(kept);
    s = open(disk);
    EXPECT_EQ(read_all(*s), lines(0, kept >= 16 + 9 ? 11 : 10)) << kept;
    fill(*s, 11, 13);  // numbers go on, nothing is written behind a tail
    EXPECT_EQ(read_all(*s), lines(11, 13));
    disk->crash(1'000);
    s = open(disk);
    EXPECT_EQ(read_all(*s).size(), kept >= 16 + 9 ? 13u : 12u);
    EXPECT_EQ(s->damaged_segments(), 0u);
  }
}

TEST(Spool, ARestartBeginsWithWhatIsNotDone) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk);
  fill(*s, 0, 10);
  sync(*s);
  (void)read_all(*s);
  for (const auto n : {1, 2, 3, 5, 7}) s->done(static_cast<std::uint64_t>(n));
  s->store_mark();
  s = open(disk);
  EXPECT_EQ(read_all(*s), lines(3, 10));
  EXPECT_EQ(s->waiting(), 7u);
}

TEST(Spool, HalfAWrittenMarkIsNotBelieved) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk);
  fill(*s, 0, 10);
  sync(*s);
  (void)read_all(*s);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    s->done(n);
    s->store_mark();
  }
  disk->mark[disk->mark.size() - 1] ^= 1;
  s = open(disk);
  EXPECT_EQ(read_all(*s), lines(3, 10));
}

TEST(Spool, FinishedSegmentsGo) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk, {.segment_bytes = 100});
  fill(*s, 0, 40);
  EXPECT_GE(disk->files.size(), 10u);
  (void)read_all(*s);
  for (std::uint64_t n = 1; n <= 40; ++n) s->done(n);
  s->store_mark();
  EXPECT_LE(disk->files.size(), 1u);
  EXPECT_EQ(s->waiting(), 0u);
  s = open(disk, {.segment_bytes = 100});
  EXPECT_TRUE(read_all(*s).empty());
  fill(*s, 40, 42);
  EXPECT_EQ(read_all(*s), lines(40, 42));
}

TEST(Spool, RefusesNewRecordsWhenFull) {
  auto s = open(std::make_shared<memory_disk>(), {.bytes_max = 400});
  int taken = 0;
  while (s->append(as_bytes("0123456789"))) ++taken;
  EXPECT_EQ(taken, 400 / 26);
  EXPECT_EQ(s->append(as_bytes("0123456789")).error().code, errc::queue_full);
  EXPECT_LE(s->bytes(), 400u);
  (void)read_all(*s);
  for (std::uint64_t n = 1; n <= 8; ++n) s->done(n);
  s->store_mark();
  EXPECT_TRUE(s->append(as_bytes("0123456789")));
}

TEST(Spool, DropsTheOldestWhenFullIfToldSo) {
  auto s = open(std::make_shared<memory_disk>(), {.bytes_max = 1'000, .when_full = spool_full::drop_oldest});
  fill(*s, 0, 200);
  EXPECT_LE(s->bytes(), 1'000u);
  const auto left = read_all(*s);
  EXPECT_EQ(left.back(), "record 199");
  EXPECT_EQ(left.size() + s->dropped(), 200u);
  s->done(1);  // dropped long ago
  EXPECT_EQ(s->waiting(), left.size());
}

TEST(Spool, AFailedSyncIsNeverTakenForASuccess) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk);
  fill(*s, 0, 3);
  disk->fail_sync = std::make_error_code(std::errc::io_error);
  sync(*s);
  disk->fail_sync = {};
  EXPECT_EQ(s->synced(), 0u);
  EXPECT_TRUE(s->is_broken());
  EXPECT_FALSE(s->wants_sync());
  EXPECT_EQ(s->append(as_bytes("x")).error().code, errc::spool_damaged);
}

TEST(Spool, AFullDiskRefusesAndLaterTakesAgain) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk);
  disk->fail_append = std::make_error_code(std::errc::no_space_on_device);
  EXPECT_EQ(s->append(as_bytes("x")).error().code, std::errc::no_space_on_device);
  disk->fail_append = {};
  fill(*s, 0, 2);
  EXPECT_EQ(read_all(*s), lines(0, 2));
}

TEST(Spool, DamageCostsTheRestOfItsSegmentOnly) {
  const auto disk = std::make_shared<memory_disk>();
  auto s = open(disk, {.segment_bytes = 130});
  fill(*s, 0, 15);  // five a segment
  disk->files[6].octets[30] ^= 0x40;
  s = open(disk);
  auto expected = lines(0, 6);
  for (const auto& l : lines(10, 15)) expected.push_back(l);
  EXPECT_EQ(read_all(*s), expected);
  EXPECT_EQ(s->damaged_segments(), 1u);
}

TEST(Spool, EveryFlippedBitIsFound) {
  const auto disk = std::make_shared<memory_disk>();
  fill(*open(disk), 0, 1);
  const auto good = disk->files[1].octets;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    disk->files[1].octets = good;
    disk->files[1].octets[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_TRUE(read_all(*open(disk)).empty()) << bit;
  }
}

TEST(SpoolDirectory, KeepsRecordsBetweenProcessesAndBelongsToOne) {
  const auto directory = std::filesystem::temp_directory_path() / ("msgkit-spool-" + std::to_string(::getpid()));
  {
    auto files = open_spool_directory(directory);
    ASSERT_TRUE(files);
    EXPECT_FALSE(open_spool_directory(directory));
    auto s = spool::open(*std::move(files), {.segment_bytes = 500});
    ASSERT_TRUE(s);
    fill(**s, 0, 100);
    sync(**s);
    EXPECT_EQ(read_all(**s), lines(0, 100));
    for (std::uint64_t n = 1; n <= 60; ++n) (*s)->done(n);
    (*s)->store_mark();
  }
  std::ofstream(directory / "other.txt") << "not ours";
  {
    auto s = spool::open(*open_spool_directory(directory), {});
    ASSERT_TRUE(s);
    EXPECT_EQ(read_all(**s), lines(60, 100));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace msgkit::bridge
