#include "msgkit/smpp/text/text_error.hpp"

#include <gtest/gtest.h>

#include <set>

#include "msgkit/smpp/text/data_coding.hpp"

using namespace msgkit::smpp;

TEST(TextError, EveryCodeHasItsOwnMessage) {
  std::set<std::string> messages;
  for (int value = 1; value <= static_cast<int>(text_errc::time_direction); ++value) {
    const std::error_code code = static_cast<text_errc>(value);
    EXPECT_STREQ(code.category().name(), "smpp.text");
    EXPECT_EQ(code.message().find("unknown"), std::string::npos);
    messages.insert(code.message());
  }
  EXPECT_EQ(messages.size(), 16u);
  EXPECT_EQ(make_error_code(static_cast<text_errc>(999)).message(), "unknown error 999");
}

TEST(Charset, EveryValueHasItsOwnName) {
  std::set<std::string_view> names;
  for (int c = 0; c <= static_cast<int>(charset::octets); ++c) names.insert(to_string(static_cast<charset>(c)));
  EXPECT_EQ(names.size(), 13u);
  EXPECT_EQ(to_string(static_cast<charset>(99)), "unknown");
}
