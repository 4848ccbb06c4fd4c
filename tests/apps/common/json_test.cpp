#include "common/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/json_writer.hpp"

namespace msgkit::app {
namespace {

TEST(Json, DumpsIllFormedUtf8) {
  EXPECT_EQ(dump_json({{"a", "x\xff"}}), "{\"a\":\"x\xef\xbf\xbd\"}");
}

TEST(Json, Parses) {
  nlohmann::json out;
  std::string why;
  ASSERT_TRUE(parse_json(R"({"a":[1,{"a":2},{"a":3}],"b":"[[[[{{"})", out, why, {.depth_max = 3})) << why;
  EXPECT_EQ(out["a"][1]["a"], 2);
}

TEST(Json, RefusesWhatCouldHurt) {
  struct {
    std::string text;
    std::string why;
  } const cases[] = {
      {"", "is not JSON"},
      {"{", "is not JSON"},
      {"{} {}", "is not JSON"},
      {"\"\xff\"", "is not JSON"},
      {std::string("\"a\0b\"", 5), "is not JSON"},
      {"1e999", "out of range"},
      {R"({"a":1,"a":2})", "has the key \"a\" twice"},
      {R"({"x":[{"a":1,"":1,"":2}]})", "has the key \"\" twice"},
      {std::string(10'000, '['), "is nested deeper than 32"},
      {std::string(2'000'000, ' '), "is larger than 1048576 octets"},
      {"NaN", "is not JSON"},
      {"// c\n1", "is not JSON"},
  };
  for (const auto& c : cases) {
    nlohmann::json out;
    std::string why;
    EXPECT_FALSE(parse_json(c.text, out, why)) << c.text.substr(0, 40);
    EXPECT_THAT(why, ::testing::HasSubstr(c.why)) << c.text.substr(0, 40);
  }
}

TEST(JsonWriter, WritesWhatAParserReads) {
  std::string out;
  json_writer w(out);
  w.begin_object().field("a", std::string("q\"\\\n\x01 \xc3\xa4 \xff", 10)).key("b").begin_array();
  w.value(-1).value(true).null().begin_object().end_object().end_array();
  w.field("at", wall_time{std::chrono::milliseconds{1'795'224'762'123}}).field("never", wall_time{}).end_object();
  const auto read = nlohmann::json::parse(out);
  EXPECT_EQ(read["a"], "q\"\\\n\x01 \xc3\xa4 \xef\xbf\xbd");
  EXPECT_EQ(read["b"].dump(), "[-1,true,null,{}]");
  EXPECT_EQ(read["at"], "2026-11-21T01:32:42.123Z");
  EXPECT_TRUE(read["never"].is_null());
}

}  // namespace
}  // namespace msgkit::app
