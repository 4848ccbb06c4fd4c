#include "msgkit/mm4/address.hpp"

#include <gtest/gtest.h>

#include "msgkit/mm4/errc.hpp"

namespace msgkit::mm4 {
namespace {

TEST(Mm4Address, ReadsEveryFormInUse) {
  const struct {
    const char* text;
    address expected;
  } rows[] = {
      {"+12025550100/TYPE=PLMN", {address_kind::number, "+12025550100", "", true}},
      {"12025550100/type=plmn", {address_kind::number, "12025550100", "", true}},
      {"<+12025550100/TYPE=PLMN@mms.example>", {address_kind::number, "+12025550100", "mms.example", true}},
      {"\"Some, Body\" <+1 (202) 555-0100/TYPE=PLMN>", {address_kind::number, "+12025550100", "", true}},
      {"+14155550100@company.example", {address_kind::number, "+14155550100", "company.example", false}},
      {"+12025550100", {address_kind::number, "+12025550100", "", false}},
      {"12345/TYPE=PLMN", {address_kind::short_code, "12345", "", true}},
      {"user@mms.example", {address_kind::email, "user@mms.example", "", false}},
      {"10.0.0.1/TYPE=IPv4", {address_kind::ipv4, "10.0.0.1", "", true}},
      {"fe80::1/TYPE=IPv6", {address_kind::ipv6, "fe80::1", "", true}},
      {"MyBank/TYPE=PLMN", {address_kind::alphanumeric, "MyBank", "", true}},
      {"MyBank", {address_kind::alphanumeric, "MyBank", "", false}},
      {"mmsc.example.net", {address_kind::host, "mmsc.example.net", "", false}},
  };
  for (const auto& row : rows) {
    const auto a = parse_address(row.text);
    ASSERT_TRUE(a) << row.text;
    EXPECT_EQ(*a, row.expected) << row.text;
  }
}

// Case 28
TEST(Mm4Address, RefusesWhatIsNone) {
  for (const std::string text : {"", "<>", "@", "a@", "@b", "+", "a b@c", "\xC3\xBC@b", "+1/TYPE=X25", "/TYPE=PLMN", "/TYPE=IPv4", "a<b@c",
                                 "+123456789012345678901234567890/TYPE=PLMN;", "x\r\n@y"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_FALSE(parse_address(std::string(300, '1') + "/TYPE=PLMN"));
  EXPECT_FALSE(parse_address(std::string(300, 'a') + "@b.example"));
}

TEST(Mm4Address, ReadsLists) {
  const auto list = parse_address_list("+1202,+1203/TYPE=PLMN ; \"a, b\" <+1204>,, user@x.example");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 4u);
  EXPECT_EQ((*list)[2].value, "+1204");
  EXPECT_EQ(parse_address_list("+1,+2,+3", 2).error().code, errc::too_many_recipients);
  EXPECT_EQ(parse_address_list("+1202, /").error().offset, 6u);
  EXPECT_TRUE(parse_address_list("")->empty());
}

TEST(Mm4Address, WritesEveryStyle) {
  const auto a = *parse_address("+12025550100");
  EXPECT_EQ(to_string(a), "+12025550100/TYPE=PLMN");
  EXPECT_EQ(to_string(a, address_style::typed_with_domain, "d.example"), "+12025550100/TYPE=PLMN@d.example");
  EXPECT_EQ(to_string(a, address_style::with_domain, "d.example"), "+12025550100@d.example");
  EXPECT_EQ(to_string(a, address_style::bare), "+12025550100");
  EXPECT_EQ(to_string(*parse_address("u@x.example"), address_style::typed_with_domain, "d"), "u@x.example");
  EXPECT_EQ(a.digits(), "12025550100");
}

}  // namespace
}  // namespace msgkit::mm4
