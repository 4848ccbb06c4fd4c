#include "msgkit/core/secure.hpp"

#include <gtest/gtest.h>

using namespace msgkit;

TEST(ConstantTimeEqual, AgreesWithPlainComparison) {
  for (const std::string_view a : {"", "a", "ab", "abc", "abd", "abcabc"})
    for (const std::string_view b : {"", "a", "ab", "abc", "abd", "abcabc"})
      EXPECT_EQ(constant_time_equal(a, b), a == b) << a << " / " << b;
}

TEST(Wipe, LeavesNothing) {
  std::string secret = "swordfish";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}
