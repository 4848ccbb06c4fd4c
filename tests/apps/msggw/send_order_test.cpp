#include "msggw/client_api/send_order.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "msggw/client_api/rate_limiter.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

TEST(Digits, AreWhatPeopleMean) {
  EXPECT_EQ(to_digits("+1 (555) 000-1"), "15550001");
  EXPECT_EQ(to_digits("46700123456"), "46700123456");
  for (const auto* bad : {"", "12", "0700123456", "1234567890123456", "+46x", "alert"})
    EXPECT_FALSE(to_digits(bad)) << bad;
}

TEST(SendOrder, NumbersInNationalFormNeedACountry) {
  EXPECT_EQ(to_digits("070-000 00 01", "SE"), "46700000001");
  EXPECT_EQ(to_digits("+1 604 555 0000", "SE"), "16045550000");
  EXPECT_EQ(to_digits("72345", "DE"), "72345") << "a short code";
  EXPECT_FALSE(to_digits("070-000 00 01"));
}

TEST(DateTime, CountsTheZone) {
  const auto noon = read_date_time("2030-01-31T12:00:00Z");
  ASSERT_TRUE(noon);
  EXPECT_EQ(noon->time_since_epoch().count(), 1'896'091'200'000);
  EXPECT_EQ(read_date_time("2030-01-31T13:30:00+01:30"), noon);
  EXPECT_EQ(read_date_time("2030-01-31T07:00:00-05:00"), noon);
  for (const auto* bad : {"", "2030-02-30T12:00:00Z", "2030-01-31", "2030-01-31T12:00:00", "tomorrow"})
    EXPECT_FALSE(read_date_time(bad)) << bad;
}

struct Order : ::testing::Test {
  send_order order;
  std::string why;
  bool read(const json& body, api_format usual = api_format::generic) {
    order = {};
    why.clear();
    return read_send_order(body, usual, order, why);
  }
};

TEST_F(Order, IsReadFromEachShape) {
  ASSERT_TRUE(read({{"from", "+15550001"}, {"to", "46700123456"}, {"text", "x"}, {"priority", 2}})) << why;
  EXPECT_EQ(order.from, "15550001");
  EXPECT_EQ(order.priority, 2);
  ASSERT_TRUE(read(
      {{"data",
        {{"payload",
          {{"from", {{"phone_number", "+15550001"}}}, {"text", "x"}, {"to", {{{"phone_number", "+46700123456"}}}}}}}}}))
      << why;
  EXPECT_EQ(order.shape, api_format::telnyx);
  EXPECT_EQ(order.to, std::vector<std::string>{"46700123456"});
  ASSERT_TRUE(read({{"to", {"46700123456", "46700123457"}}, {"text", "x"}}, api_format::bicom)) << why;
  EXPECT_EQ(order.shape, api_format::bicom);
  EXPECT_EQ(order.to.size(), 2u);
}

TEST_F(Order, NamesTheFieldThatIsWrong) {
  const std::pair<json, const char*> bad[]{
      {json::array(), "body"},
      {{{"text", "x"}}, "to"},
      {{{"to", 7}, {"text", "x"}}, "to"},
      {{{"to", json::array()}, {"text", "x"}}, "to"},
      {{{"to", "46700123456"}}, "text"},
      {{{"to", "46700123456"}, {"text", 7}}, "text"},
      {{{"to", "46700123456"}, {"text", std::string(text_octets_max + 1, 'x')}}, "text"},
      {{{"to", "46700123456"}, {"text", "x"}, {"priority", 4}}, "priority"},
      {{{"to", "46700123456"}, {"text", "x"}, {"validity_secs", -1}}, "validity_secs"},
      {{{"to", "46700123456"}, {"text", "x"}, {"send_at", "soon"}}, "send_at"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media_urls", {"ftp://a"}}}, "media"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media", "http://a"}}, "media"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media", {7}}}, "media"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media", {{{"content", "%"}}}}}, "media.content"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media", {{{"url", "http://a"}, {"content", "eA=="}}}}}, "media"},
      {{{"to", "46700123456"}, {"text", "x"}, {"media_urls", json::array_t(11, "http://a")}}, "media"},
      {{{"to", "46700123456"}, {"text", "x"}, {"subject", std::string(300, 's')}}, "subject"},
      {{{"data", 7}}, "body"},
  };
  for (const auto& [body, field] : bad) {
    EXPECT_FALSE(read(body)) << body;
    EXPECT_NE(why.find(field), std::string::npos) << body << ": " << why;
  }
}

TEST_F(Order, TakesMediaInEveryShape) {
  ASSERT_TRUE(read({{"to", "46700123456"},
                    {"media",
                     {"https://a/1",
                      {{"url", "https://a/2"}, {"content_type", "image/png"}},
                      {{"content", "aGk="}, {"filename", "hi.txt"}}}},
                    {"media_urls", {"https://a/3"}}}))
      << why;
  ASSERT_EQ(order.media.size(), 4u);
  EXPECT_EQ(order.media[0].url, "https://a/1");
  EXPECT_EQ(order.media[1].type, "image/png");
  EXPECT_EQ(order.media[2].content, "hi");
  EXPECT_EQ(order.media[2].name, "hi.txt");
  EXPECT_EQ(order.media[3].url, "https://a/3");
  order.mms = mms_message{.text = "t", .media = {{"token", "image/png", "n", 1}}};
  const auto c = content_of(order, "client:a", order.to.front());
  EXPECT_EQ(read_mms(*c), order.mms);
  EXPECT_EQ(segment_count_of(*c), 1u);
}

TEST_F(Order, OutlivesItsSchedule) {
  ASSERT_TRUE(read({{"to", "46700123456"}, {"text", "x"}, {"send_at", "2040-01-01T00:00:00Z"}}));
  const auto c = content_of(order, "client:a", order.to.front());
  EXPECT_EQ(c->schedule_at, order.send_at);
  EXPECT_GT(c->valid_until, order.send_at);
}

TEST(SegmentCount, IsWhatThePhoneGets) {
  const auto count = [](std::string text) {
    return segment_count_of(*content_of({.to = {"46700123456"}, .text = std::move(text)}, "client:a", "46700123456"));
  };
  EXPECT_EQ(count(std::string(160, 'x')), 1u);
  EXPECT_EQ(count(std::string(161, 'x')), 2u);
  EXPECT_EQ(count(std::string(306, 'x')), 2u);
  EXPECT_EQ(count(std::string(307, 'x')), 3u);
  std::string cyrillic;
  for (int i = 0; i < 70; ++i) cyrillic += "\u0416";
  EXPECT_EQ(count(cyrillic), 1u);
  EXPECT_EQ(count(cyrillic + "\u0416"), 2u);
}

TEST(RateLimiter, FillsWithTime) {
  rate_limiter limits;
  time_point now{};
  EXPECT_EQ(limits.take(1, 2, 2, 1, now), 0u);
  EXPECT_EQ(limits.take(1, 2, 2, 1, now), 0u);
  EXPECT_EQ(limits.take(1, 2, 2, 1, now), 1u);
  EXPECT_EQ(limits.take(2, 2, 2, 1, now), 0u);  // another's bucket
  now += std::chrono::milliseconds{500};
  EXPECT_EQ(limits.take(1, 2, 2, 1, now), 0u);
  EXPECT_NE(limits.take(1, 2, 2, 1, now), 0u);
}

TEST(RateLimiter, TakesWhatIsBiggerThanTheBucketOnceItIsFull) {
  rate_limiter limits;
  time_point now{};
  EXPECT_EQ(limits.take(1, 1, 2, 5, now), 0u);
  EXPECT_EQ(limits.take(1, 1, 2, 5, now), 5u);
  now += std::chrono::seconds{5};
  EXPECT_EQ(limits.take(1, 1, 2, 5, now), 0u);
}

}  // namespace
}  // namespace msgkit::app
