#include "common/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/log_line.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr wall_time at{std::chrono::milliseconds{1'795'224'762'123}};

std::string line(log_format format, std::string_view message, log_fields fields = {}) {
  std::string out;
  append_log_line(out, format, at, log_level::info, "smpp", message, fields);
  return out;
}

// Restores the process-wide settings.
struct LogToStderr : ::testing::Test {
  ~LogToStderr() override { configure_logging({}); }
};

TEST(LogLine, TextShowsFieldsInOrder) {
  EXPECT_EQ(line(log_format::text, "bound", {{"system_id", "acme"}, {"peer", "10.0.0.1:9"}, {"count", 3}, {"ok", true}}),
            "2026-11-21T01:32:42.123Z info  smpp: bound system_id=acme peer=10.0.0.1:9 count=3 ok=true");
}

TEST(LogLine, JsonKeepsTypes) {
  EXPECT_EQ(line(log_format::json, "bound",
                 {{"id", std::string("a")}, {"n", -1}, {"u", std::uint8_t{7}}, {"d", 0.5}, {"b", false},
                  {"nan", std::numeric_limits<double>::quiet_NaN()}}),
            R"({"time":"2026-11-21T01:32:42.123Z","level":"info","component":"smpp","message":"bound",)"
            R"("id":"a","n":-1,"u":7,"d":0.5,"b":false,"nan":null})");
}

TEST(LogLine, ErrorCodesShowTheirMessage) {
  EXPECT_THAT(line(log_format::text, "x", {{"reason", make_error_code(std::errc::broken_pipe)}}),
              HasSubstr("reason=\"Broken pipe\""));
}

TEST(LogLine, HostileTextCannotForgeLinesOrDriveATerminal) {
  const std::string hostile = "a\nb\r\x1b[31mred\x07 \"q\" \\ \x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 end";
  for (const auto format : {log_format::text, log_format::json}) {
    const auto out = line(format, hostile, {{"v", hostile}});
    for (const char c : out) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << out;
    EXPECT_THAT(out, HasSubstr(R"(a\nb\r\u001b[31mred\u0007 \"q\" \\ \u007f \u009b \u202e \u2028 end)"));
  }
}

TEST(LogLine, IllFormedUtf8StaysVisibleAndValid) {
  const std::string bad = "a\xff\xc3(";
  EXPECT_THAT(line(log_format::text, "m", {{"v", bad}}), HasSubstr(R"(v="a\xff\xc3(")"));
  EXPECT_THAT(line(log_format::json, "m", {{"v", bad}}), HasSubstr("\"v\":\"a\xef\xbf\xbd\xef\xbf\xbd(\""));
  for (int c = 0; c < 256; ++c) EXPECT_TRUE(is_valid_utf8(line(log_format::json, std::string(1, static_cast<char>(c)))));
}

TEST(LogLine, EmptyAndSpacedValuesAreQuoted) {
  EXPECT_THAT(line(log_format::text, "m", {{"a", ""}, {"b", "x y"}, {"c", "k=v"}}),
              HasSubstr(R"(a="" b="x y" c="k=v")"));
}

TEST(LogLine, CutsLongValues) {
  const std::string big(100'000, 'x');
  EXPECT_LT(line(log_format::json, big, {{"v", big}}).size(), 2 * log_text_bytes_max + 200);
}

TEST_F(LogToStderr, FollowsTheLevelAtRunTime) {
  ::testing::internal::CaptureStderr();
  const logger log{"test"};
  configure_logging({.level = log_level::warn});
  log.info("hidden");
  log.warn("shown", {{"n", 1}});
  set_log_level(log_level::debug);
  log.debug("now visible");
  set_log_level(log_level::off);
  log.error("silenced");
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warn  test: shown n=1\n"));
  EXPECT_THAT(text, HasSubstr("debug test: now visible\n"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
  EXPECT_THAT(text, Not(HasSubstr("silenced")));
}

TEST(MaskedNumber, KeepsTheEnds) {
  EXPECT_EQ(masked_number("447700900123"), "4477*****123");
  EXPECT_EQ(masked_number("12345"), "***45");
  EXPECT_EQ(masked_number("1"), "*");
  EXPECT_EQ(masked_number(""), "");
}

}  // namespace
}  // namespace msgkit::app
