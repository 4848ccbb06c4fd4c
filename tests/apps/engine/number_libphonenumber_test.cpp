// Built with MSGKIT_WITH_LIBPHONENUMBER only, beside number_test.cpp.
#include <gtest/gtest.h>

#include "engine/number.hpp"

using namespace msgkit::engine;

namespace {

std::string e164(std::string_view text, std::string_view iso = {}) { return to_e164(text, iso).value_or("-"); }

}  // namespace

TEST(NumberByLibphonenumber, KnowsWhichNumbersThereMayBe) {
  ASSERT_TRUE(has_libphonenumber());
  EXPECT_EQ(e164("+54 9 11 2345-6789"), "5491123456789");
  EXPECT_EQ(e164("011 15-2345-6789", "AR"), "5491123456789") << "Argentine mobiles are dialled with 15";
  EXPECT_EQ(e164("1-800-FLOWERS", "US"), "-") << "letters are no digits here";
  EXPECT_EQ(e164("+46 70-000 00 01 ext. 5"), "-");
}
