#include "engine/number.hpp"

#include <gtest/gtest.h>

using namespace msgkit::engine;

namespace {

std::string e164(std::string_view text, std::string_view iso = {}) { return to_e164(text, iso).value_or("-"); }

}  // namespace

TEST(Number, InternationalFormsNeedNoCountry) {
  EXPECT_EQ(e164("+46 70-000 00 01"), "46700000001");
  EXPECT_EQ(e164("+46 (0)70 000 00 01"), "46700000001");
  EXPECT_EQ(e164("0046700000001"), "46700000001");
  EXPECT_EQ(e164("46700000001"), "46700000001");
  EXPECT_EQ(e164("+1 (604) 555-0000"), "16045550000");
  EXPECT_EQ(e164("+39 06 1234567"), "39061234567") << "Italian numbers keep their zero";
}

TEST(Number, NationalFormsNeedOne) {
  EXPECT_EQ(e164("070-000 00 01", "SE"), "46700000001");
  EXPECT_EQ(e164("07700 900123", "GB"), "447700900123");
  EXPECT_EQ(e164("604 555 0000", "US"), "16045550000");
  EXPECT_EQ(e164("1 604 555 0000", "CA"), "16045550000");
  EXPECT_EQ(e164("011 44 7700 900123", "US"), "447700900123");
  EXPECT_EQ(e164("8 912 345 67 89", "RU"), "79123456789");
  EXPECT_EQ(e164("06 30 123 4567", "HU"), "36301234567");
  EXPECT_EQ(e164("612 34 56 78", "ES"), "34612345678");
  EXPECT_EQ(e164("+47 900 00 000", "SE"), "4790000000") << "a plus sign wins over the country";
  EXPECT_EQ(e164("447400123456", "SE"), "447400123456") << "too long for a national number";
}

TEST(Number, WhatIsNoneStaysAsItWas) {
  for (const auto* text : {"SHOP", "", "+", "72345", "+46 7", "+999123456789", "0701234567x", "+467000000012345678"})
    EXPECT_EQ(e164(text), "-") << text;
  EXPECT_EQ(normal_number("SHOP", "SE"), "SHOP");
  EXPECT_EQ(normal_number("72345", "SE"), "72345");
  EXPECT_EQ(normal_number("070-000 00 01", "SE"), "46700000001");
}

TEST(Number, NoCountryCodeBeginsWithAnotherOne) {
  for (const auto& a : country_plans())
    for (const auto& b : country_plans())
      if (a.code != b.code) {
        EXPECT_FALSE(a.code.starts_with(b.code)) << a.iso << ' ' << b.iso;
      }
}

TEST(Number, EveryPlanReadsItsOwnNumbers) {
  if (has_libphonenumber()) GTEST_SKIP() << "numbers made of sevens are none there";
  for (const auto& p : country_plans()) {
    std::string national(p.digits_min, '7');
    EXPECT_EQ(e164("+" + std::string{p.code} + national), std::string{p.code} + national) << p.iso;
    EXPECT_EQ(e164(std::string{p.trunk} + national, p.iso), std::string{p.code} + national) << p.iso;
    EXPECT_EQ(e164(std::string{p.international} + std::string{p.code} + national, p.iso), std::string{p.code} + national) << p.iso;
    EXPECT_LE(p.digits_min, p.digits_max);
    EXPECT_LE(p.code.size() + p.digits_max, 15u) << p.iso;
  }
}

TEST(Number, TheTableRefusesARepeatedTrunkPrefix) {
  if (has_libphonenumber()) GTEST_SKIP() << "which reads over it";
  EXPECT_EQ(e164("+46 0070 000 00 01"), "-");
}
