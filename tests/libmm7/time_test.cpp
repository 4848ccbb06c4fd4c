#include "msgkit/mm7/time.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm7 {
namespace {

using namespace std::chrono_literals;

std::string again(std::string_view text) {
  const auto t = parse_date_time(text);
  return t ? format_date_time(*t) : "none";
}

TEST(Mm7Time, ReadsDateTimes) {
  EXPECT_EQ(again("2002-04-15T14:35:21-05:00"), "2002-04-15T19:35:21Z");
  EXPECT_EQ(again(" 2015-03-16T14:03:51.749Z "), "2015-03-16T14:03:51Z");
  EXPECT_EQ(again("2015-03-16T14:03:51"), "2015-03-16T14:03:51Z");
  for (const auto* text : {"", "now", "2015-03-16", "2015-13-16T14:03:51Z", "2015-03-16T25:03:51Z", "2015-03-16T14:03:51+5", "1900-01-01T00:00:00Z"})
    EXPECT_EQ(again(text), "none") << text;
}

TEST(Mm7Time, ReadsDurations) {
  EXPECT_EQ(parse_relative_or_absolute("P90D"), relative_or_absolute{90 * 86'400s});
  EXPECT_EQ(parse_relative_or_absolute("PT1H30M"), relative_or_absolute{5'400s});
  EXPECT_EQ(parse_relative_or_absolute("-PT5S"), relative_or_absolute{-5s});
  EXPECT_EQ(parse_relative_or_absolute("P1Y2MT3.5S"), relative_or_absolute{31'557'600s + 5'184'000s + 3s});
  for (const auto* text : {"P", "PT", "P1", "P1H", "PT1D", "1D", "P-1D", "P99999999999D", "P1DT", "P1D2"})
    EXPECT_FALSE(parse_relative_or_absolute(text)) << text;
  EXPECT_EQ(format(relative_or_absolute{90s}), "PT90S");
  EXPECT_EQ(parse_relative_or_absolute(format(relative_or_absolute{-90s})), relative_or_absolute{-90s});
}

}  // namespace
}  // namespace msgkit::mm7
