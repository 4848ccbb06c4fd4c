#include "msgkit/mm4/date.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4 {
namespace {

using namespace std::chrono_literals;

std::string again(std::string_view text) {
  const auto t = parse_date(text);
  return t ? format_date(*t) : "none";
}

TEST(Mm4Date, ReadsWhatPeersWrite) {
  const auto expected = "Sat, 21 Nov 2026 05:06:07 +0000";
  for (const auto* text : {"Sat, 21 Nov 2026 05:06:07 +0000", "21 Nov 2026 05:06:07 GMT", "Sat, 21 Nov 2026 06:06:07 +0100 (CET)",
                           "Sat Nov 21 05:06:07 2026", "Sat Nov 21 05:06:07 UTC 2026", "Sat Nov 21 2026 05:06:07 GMT+0000 (UTC)",
                           "Sat Nov 21 2026 00:06:07 GMT-0500 (EST)", "2026-11-21T05:06:07Z", "2026-11-21T05:06:07.749Z",
                           "2026-11-21T07:06:07+02:00", "2026-11-21 05:06:07", "Saturday, 21 Nov 26 05:06:07 GMT", "Sat, 21 Nov 2026 00:06:07 EST"})
    EXPECT_EQ(again(text), expected) << text;
}

TEST(Mm4Date, RefusesWhatIsNone) {
  for (const std::string text : {"", "now", "Sat, 32 Nov 2026 05:06:07 +0000", "Sat, 21 Nov 2026", "21 Foo 2026 05:06:07", "2026-13-01T00:00:00Z",
                                 "99999999999999999999", "Sat, 21 Nov 2026 25:06:07 +0000", "1 2 3 4 5 6", "Nov Nov 21 05:06:07 2026"})
    EXPECT_EQ(again(text), "none") << text;
  EXPECT_EQ(again(std::string(1000, '1')), "none");
}

TEST(Mm4Date, ReadsExpiryInSecondsOrAsADate) {
  EXPECT_EQ(parse_expiry(" 600 "), expiry{600s});
  EXPECT_EQ(parse_expiry("99999999999"), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<wall_time>(*parse_expiry("2026-04-02T12:00:00Z")));
  EXPECT_EQ(parse_expiry("-5"), std::nullopt);
  const auto noon = *parse_date("2026-04-02T12:00:00Z");
  EXPECT_EQ(expiry_moment(expiry{600s}, noon), noon + 600s);
  EXPECT_EQ(expiry_moment(expiry{noon}, wall_time{}), noon);
}

}  // namespace
}  // namespace msgkit::mm4
