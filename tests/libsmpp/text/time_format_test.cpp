#include "msgkit/smpp/text/time_format.hpp"

#include <gtest/gtest.h>

#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

wall_time at(int y, unsigned mo, unsigned d, int h = 0, int mi = 0, int s = 0) {
  return sys_days{year{y} / month{mo} / day{d}} + hours{h} + minutes{mi} + seconds{s};
}
absolute_time absolute(std::string_view text) {
  const auto r = parse_time(text);
  EXPECT_TRUE(r) << text;
  return r && std::holds_alternative<absolute_time>(*r) ? std::get<absolute_time>(*r) : absolute_time{};
}
relative_time relative(std::string_view text) {
  const auto r = parse_time(text);
  EXPECT_TRUE(r) << text;
  return r && std::holds_alternative<relative_time>(*r) ? std::get<relative_time>(*r) : relative_time{};
}

}  // namespace

TEST(SmppTime, ReadsAbsoluteTimesWithTheirOffset) {
  EXPECT_EQ(absolute("111019080000017+").at, at(2011, 10, 19, 3, 45));
  EXPECT_EQ(absolute("111019080000017+").offset, 255min);
  EXPECT_EQ(absolute("111019080000004-").at, at(2011, 10, 19, 9));
  EXPECT_EQ(absolute("071226113703845+").at, at(2007, 12, 26, 0, 22, 3) + 800ms);
  EXPECT_EQ(absolute("151110145607000+").at, at(2015, 11, 10, 14, 56, 7));
  EXPECT_EQ(absolute("180711070003912+").at, at(2018, 7, 11, 4, 0, 3) + 900ms);
  EXPECT_EQ(absolute("240229235960000+").at, at(2024, 3, 1));
}

TEST(SmppTime, ReadsRelativeTimes) {
  EXPECT_EQ(relative("000002000000000R"), (relative_time{.days = 2}));
  EXPECT_EQ(relative("991210233429000R"), (relative_time{99, 12, 10, 23, 34, 29}));
  EXPECT_EQ(relative("000000360000000R"), (relative_time{.hours = 36}));
}

struct bad_time {
  std::string_view text;
  text_errc why;
  std::size_t offset;
};

TEST(SmppTime, SaysWhatIsWrong) {
  const bad_time table[] = {
      {"11101908000000", text_errc::time_length, 14},    {"1110190800000170+", text_errc::time_length, 17},
      {"+", text_errc::time_length, 1},                  {"000002000000000r", text_errc::time_direction, 15},
      {"000002000000000Z", text_errc::time_direction, 15}, {"11x019080000017+", text_errc::time_digit, 2},
      {"1110190800000 7+", text_errc::time_digit, 13},   {"111319080000017+", text_errc::time_range, 2},
      {"110019080000017+", text_errc::time_range, 2},    {"111032080000017+", text_errc::time_range, 4},
      {"110231080000017+", text_errc::time_range, 4},    {"111019240000017+", text_errc::time_range, 6},
      {"111019086000017+", text_errc::time_range, 8},    {"111019080061017+", text_errc::time_range, 10},
      {"111019080000049+", text_errc::time_range, 13},
  };
  for (const auto& row : table) {
    const auto r = parse_time(row.text);
    ASSERT_FALSE(r) << row.text;
    EXPECT_EQ(r.error().code, row.why) << row.text;
    EXPECT_EQ(r.error().offset, row.offset) << row.text;
  }
}

TEST(SmppTime, EveryPrefixAndOctetChangeHasAnAnswer) {
  for (const std::string whole : {"111019080000017+", "991210233429000R"}) {
    for (std::size_t n = 1; n < whole.size(); ++n) {
      EXPECT_EQ(parse_time(whole.substr(0, n)).error().code, text_errc::time_length);
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (int v = 0; v < 256; ++v) {
        auto changed = whole;
        changed[i] = static_cast<char>(v);
        const auto r = parse_time(changed);
        EXPECT_TRUE(r || r.error().code.category() == text_category());
      }
    }
  }
}

TEST(SmppTime, EmptyMeansNothing) {
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*parse_time("")));
  EXPECT_EQ(*resolve_time("", at(2024, 1, 1)), std::nullopt);
}

TEST(SmppTime, ResolvesAgainstNow) {
  EXPECT_EQ(*resolve_time("000002000000000R", at(2024, 2, 28, 10)), at(2024, 3, 1, 10));
  EXPECT_EQ(*resolve_time("240301000000004+", at(2024, 2, 28)), at(2024, 2, 29, 23));
  EXPECT_FALSE(resolve_time("nonsense", at(2024, 1, 1)));
}

TEST(SmppTime, AddsByTheCalendar) {
  EXPECT_EQ(add(at(2024, 1, 31, 12), {.months = 1}), at(2024, 2, 29, 12));
  EXPECT_EQ(add(at(2023, 1, 31), {.months = 1}), at(2023, 2, 28));
  EXPECT_EQ(add(at(2024, 2, 29), {.years = 1}), at(2025, 2, 28));
  EXPECT_EQ(add(at(2024, 11, 15), {.months = 14}), at(2026, 1, 15));
  EXPECT_EQ(add(at(2024, 1, 31), {.months = 1, .days = 1, .hours = 25}), at(2024, 3, 2, 1));
  EXPECT_EQ(add(at(2024, 1, 1) + 250ms, {.seconds = 1}), at(2024, 1, 1, 0, 0, 1) + 250ms);
}

TEST(SmppTime, TwoDigitYearsSlide) {
  EXPECT_EQ(full_year(24, 2025), 2024);
  EXPECT_EQ(full_year(74, 2025), 2074);
  EXPECT_EQ(full_year(75, 2025), 1975);
  EXPECT_EQ(full_year(99, 2025), 1999);
  EXPECT_EQ(full_year(0, 2099), 2100);
  EXPECT_EQ(full_year(49, 2000), 2049);
  EXPECT_EQ(full_year(50, 2000), 1950);
}

TEST(SmppTime, WritesWhatItReads) {
  EXPECT_EQ(format_absolute(at(2011, 10, 19, 3, 45)), "111019034500000+");
  EXPECT_EQ(format_absolute(at(2011, 10, 19, 3, 45), 255min), "111019080000017+");
  EXPECT_EQ(format_absolute(at(2011, 10, 19, 9), -60min), "111019080000004-");
  EXPECT_EQ(format_absolute(at(2007, 12, 26, 0, 22, 3) + 899ms, 675min), "071226113703845+");
  EXPECT_EQ(format_absolute(at(2024, 1, 1), 10'000min), "240101120000048+");
  EXPECT_EQ(format_relative(relative_time{.days = 2}), "000002000000000R");
  EXPECT_EQ(format_relative(relative_time{.hours = 200}), "000000990000000R");
  EXPECT_EQ(format_relative(48h), "000002000000000R");
  EXPECT_EQ(format_relative(-5s), "000000000000000R");
  EXPECT_EQ(format_relative(90min + 5s), "000000013005000R");
  EXPECT_EQ(format_relative(days{100}), "000310000000000R");
  EXPECT_EQ(parse_time(format_relative(seconds::max())).has_value(), true);
}

TEST(SmppTime, RoundTripsAcrossTheCentury) {
  for (int day = 0; day < 36'000; day += 13) {
    const auto t = at(1980, 1, 1) + days{day} + 3h + 7min + 9s + 300ms;
    const minutes offset{(day % 97 - 48) * 15};
    const auto r = parse_time(format_absolute(t, offset), 2029);
    ASSERT_TRUE(r);
    EXPECT_EQ(std::get<absolute_time>(*r), (absolute_time{t, offset}));
  }
}
