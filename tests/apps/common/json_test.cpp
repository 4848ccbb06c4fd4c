#include "common/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace msgkit::app
