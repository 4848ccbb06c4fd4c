#include "msgkit/core/result.hpp"

#include <gtest/gtest.h>

#include <string>

#include "msgkit/core/error.hpp"

using namespace msgkit;

TEST(Result, HoldsAValueOrAFault) {
  const result<std::string> good = std::string("yes");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "yes");
  EXPECT_EQ(good->size(), 3u);
  const result<std::string> bad = fault{make_error_code(errc::timed_out), "field", 7};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::timed_out);
  EXPECT_EQ(bad.error().field, "field");
  EXPECT_EQ(bad.error().offset, 7u);
  EXPECT_EQ(bad.value_or("other"), "other");
}

TEST(Result, OfVoidIsAnOptionalFault) {
  const result<void> good;
  EXPECT_TRUE(good);
  const result<void> bad = errc::closed;
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::closed);
}

TEST(Errc, EveryValueHasItsOwnMessage) {
  for (int value = 1; value <= static_cast<int>(errc::invalid_configuration); ++value) {
    const auto text = core_category().message(value);
    EXPECT_FALSE(text.starts_with("unknown error")) << value;
  }
  EXPECT_EQ(core_category().message(9999), "unknown error 9999");
}
