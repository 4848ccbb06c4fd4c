#include "msggw/batch/batch_csv.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::size_t rows_max = 3;

json read(std::string_view csv) {
  json out;
  std::string why;
  return read_batch_csv(csv, rows_max, out, why) ? out : json(why);
}

TEST(BatchCsv, ColumnsAreNumberTextAndVariables) {
  EXPECT_EQ(read("Phone,message,Name\r\n46700000001,hi,Ann\r\n46700000002,,\"Bo \"\"B\"\", junior\"\r\n"),
            json::parse(R"([{"to":"46700000001","text":"hi","variables":{"Name":"Ann"}},
                            {"to":"46700000002","variables":{"Name":"Bo \"B\", junior"}}])"));
  EXPECT_EQ(read("\xEF\xBB\xBFto\n1\n\n2"), json::parse(R"([{"to":"1"},{"to":"2"}])"));
  EXPECT_EQ(read("to,text\n1,\"two\nlines\"\n"), json::parse(R"([{"to":"1","text":"two\nlines"}])"));
}

TEST(BatchCsv, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(read(""), "there is no row");
  EXPECT_EQ(read("to\n"), "there is no row");
  EXPECT_EQ(read("name,text\nx,y\n"), "line 1: no column is to, phone, number or destination");
  EXPECT_EQ(read("to,phone\n1,2\n"), "line 1: two columns are to");
  EXPECT_EQ(read("to,text\n1,x\n2\n"), "line 3: has 1 columns, not 2");
  EXPECT_EQ(read("to\n1\n2\n3\n4\n"), "line 5: over 3 rows");
  for (const auto* csv : {"to\n\"1", "to\n1\"2\"", "to\n\"1\"2"})
    EXPECT_EQ(read(csv).get<std::string>().substr(0, 7), "line 2:") << csv;
}

TEST(BatchCsv, EveryPrefixIsReadOrRefused) {
  const std::string csv = "to,text,a\n46700000001,\"x, \"\"y\"\"\nz\",\xC3\xA9\n";
  for (std::size_t n = 0; n <= csv.size(); ++n) {
    const auto out = read(std::string_view(csv).substr(0, n));
    EXPECT_TRUE(out.is_array() || (out.is_string() && !out.get<std::string>().empty())) << n;
  }
  EXPECT_TRUE(read("to" + std::string(200, ',') + "\n").is_string());
}

}  // namespace
}  // namespace msgkit::app
