#include "msgkit/goip/text.hpp"

#include <gtest/gtest.h>

#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/limits.hpp"
#include "msgkit/goip/sms_status.hpp"

namespace msgkit::goip {
namespace {

TEST(GoipText, CleanTextReplacesWhatIsNotUtf8AndDropsControls) {
  EXPECT_EQ(clean_text(std::string_view("\xFF\xFE\xC3\x01\x00" "A", 6)), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" "A");
  EXPECT_EQ(clean_text("a\r\nb\tc\x1b[31m"), "a\nb\tc[31m");
  EXPECT_EQ(clean_text("\xEF\xBF\xBF\xC2\x85"), "\xEF\xBF\xBD");
}

TEST(GoipText, SmsTextsAreCheckedBeforeAnythingIsSent) {
  EXPECT_TRUE(check_sms_text(std::string(sms_text_bytes_max, 'x')));
  EXPECT_EQ(check_sms_text(std::string(sms_text_bytes_max + 1, 'x')).error().code, errc::text_too_long);
  EXPECT_EQ(check_sms_text("\xFF").error().code, errc::invalid_utf8);
  EXPECT_EQ(check_sms_text(std::string_view("a\0b", 3)).error().code, errc::forbidden_character);
}

TEST(GoipText, NumbersAndCodesCannotShiftFields) {
  for (const auto* good : {"+37255512345", "112", "*21#", "00372"}) EXPECT_TRUE(check_destination(good)) << good;
  for (const auto* bad : {"", "+", "1 2", "1\n2", "Telia", "+1;2", "1+2"}) EXPECT_FALSE(check_destination(bad)) << bad;
  for (const auto* good : {"*100#", "1", "*141*1#"}) EXPECT_TRUE(check_ussd_code(good, false)) << good;
  for (const auto* bad : {"", "*100# x", "hello", "*100#\n"}) EXPECT_FALSE(check_ussd_code(bad, false)) << bad;
  EXPECT_TRUE(check_ussd_code("John Smith", true));
  EXPECT_FALSE(check_ussd_code("a\nb", true));
  EXPECT_FALSE(check_ussd_code(std::string(183, '1'), true));
}

TEST(GoipText, PartsAreCountedAsTheDeviceDoes) {
  EXPECT_EQ(count_parts(""), 1u);
  EXPECT_EQ(count_parts(std::string(160, 'x')), 1u);
  EXPECT_EQ(count_parts(std::string(161, 'x')), 2u);
  EXPECT_EQ(count_parts(std::string(307, 'x')), 3u);
  std::string cyrillic;
  for (int i = 0; i < 70; ++i) cyrillic += "\xD0\x9F";
  EXPECT_EQ(count_parts(cyrillic), 1u);
  EXPECT_EQ(count_parts(cyrillic + "x"), 2u);
}

TEST(GoipStatus, CodesHaveTheirClass) {
  for (const int code : {22, 38, 41, 42, 47, 300, 314, 331, 332, 500, 512, 9999})
    EXPECT_EQ(classify_sms_status(code), failure_class::temporary) << code;
  for (const int code : {1, 8, 10, 21, 27, 28, 29, 30, 50, 69, 95, 96, 97, 98, 99, 111, 128, 195, 310, 313, 315, 318, 330})
    EXPECT_EQ(classify_sms_status(code), failure_class::permanent) << code;
  EXPECT_EQ(find_sms_status(331)->words, "no network service");
  EXPECT_EQ(find_sms_status(2), nullptr);
  EXPECT_EQ(classify_delivery(0), delivery_state::delivered);
  EXPECT_EQ(classify_delivery(48), delivery_state::underway);
  EXPECT_EQ(classify_delivery(70), delivery_state::failed);
}

}  // namespace
}  // namespace msgkit::goip
