#include "engine/time_zone.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {

wall_time utc(int y, unsigned m, unsigned d, int h = 0, int minute = 0) {
  const auto day = std::chrono::sys_days{std::chrono::year{y} / static_cast<int>(m) / static_cast<int>(d)};
  return wall_time{std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch())} + std::chrono::hours{h} +
         std::chrono::minutes{minute};
}
std::shared_ptr<const time_zone> zone(std::string_view name) {
  auto z = time_zone::load(name);
  EXPECT_TRUE(z) << name;
  return z ? *std::move(z) : std::make_shared<const time_zone>();
}

}  // namespace

TEST(TimeZone, KnowsSummerAndWinterNowAndLongAfterTheTableEnds) {
  const auto z = zone("Europe/Stockholm");
  for (const int year : {2020, 2026, 2039, 2080}) {
    EXPECT_EQ(z->offset_at(utc(year, 1, 15)), 3'600) << year;
    EXPECT_EQ(z->offset_at(utc(year, 7, 15)), 7'200) << year;
  }
  EXPECT_EQ(z->offset_at(utc(2026, 3, 29, 0, 59)), 3'600);
  EXPECT_EQ(z->offset_at(utc(2026, 3, 29, 1, 0)), 7'200);
  EXPECT_EQ(z->offset_at(utc(2045, 10, 29, 0, 59)), 7'200);
  EXPECT_EQ(z->offset_at(utc(2045, 10, 29, 1, 0)), 3'600);
}

TEST(TimeZone, ServesTheSouthAndHalfHours) {
  EXPECT_EQ(zone("Australia/Sydney")->offset_at(utc(2050, 1, 1)), 11 * 3'600);
  EXPECT_EQ(zone("Australia/Sydney")->offset_at(utc(2050, 7, 1)), 10 * 3'600);
  EXPECT_EQ(zone("Asia/Kolkata")->offset_at(utc(2050, 7, 1)), 19'800);
  EXPECT_EQ(zone("UTC")->offset_at(utc(2050, 7, 1)), 0);
}

TEST(TimeZone, CountsLocalDaysMonthsAndWeekdays) {
  const auto z = zone("America/Vancouver");
  const auto before = z->at(utc(2026, 8, 1, 6, 59)), after = z->at(utc(2026, 8, 1, 7, 0));
  EXPECT_EQ(before.minute, 23u * 60 + 59);
  EXPECT_EQ(after.minute, 0u);
  EXPECT_EQ(after.day, before.day + 1);
  EXPECT_EQ(after.month, before.month + 1);
  EXPECT_EQ(after.weekday, 5u) << "a Saturday";
  EXPECT_EQ(z->at(utc(1969, 12, 31, 12)).day, -1);
}

TEST(TimeZone, FindsTheNextLocalTimeAcrossAChange) {
  const auto z = zone("Europe/Stockholm");
  EXPECT_EQ(z->next(utc(2026, 7, 1, 20), 8 * 60), utc(2026, 7, 2, 6));
  EXPECT_EQ(z->next(utc(2026, 3, 28, 21), 8 * 60), utc(2026, 3, 29, 6)) << "clocks go forward in that night";
  EXPECT_EQ(z->next(utc(2026, 7, 2, 6), 8 * 60), utc(2026, 7, 2, 6));
}

TEST(TimeZone, NamesAreNoPaths) {
  for (const auto* name : {"", "../../../etc/passwd", "/etc/passwd", "Europe/Atlantis", "a b"})
    EXPECT_FALSE(time_zone::load(name)) << name;
}

TEST(TimeZone, BrokenFilesAreRefusedAtEveryLength) {
  byte_vector octets{'T', 'Z', 'i', 'f', '2'};
  octets.resize(44 * 2 + 6 + 4);
  std::copy_n(octets.begin(), 5, octets.begin() + 44);
  octets[44 + 39] = 1;  // types
  octets[44 + 43] = 4;  // octets of names
  ASSERT_TRUE(time_zone::parse(octets));
  for (std::size_t n = 0; n < octets.size(); ++n) EXPECT_FALSE(time_zone::parse(bytes_view{octets}.first(n))) << n;
  auto hostile = octets;
  hostile[44 + 36] = 0xFF;
  EXPECT_FALSE(time_zone::parse(hostile));
  for (const std::string rule : {"\nX\n", "\nCET-1CEST\n", "\nCET-1CEST,M13.1.0,M1.1.1\n", "\n<CET-1\n"}) {
    auto with_rule = octets;
    append(with_rule, rule);
    EXPECT_FALSE(time_zone::parse(with_rule)) << rule;
  }
}
