#include "msgkit/goip/describe.hpp"

#include <gtest/gtest.h>

namespace msgkit::goip {
namespace {

std::string json(std::string_view datagram, json_options o = {}) {
  const auto m = parse_from_device(as_bytes(datagram));
  return m ? to_json(*m, o) : "fault";
}

TEST(GoipDescribe, FieldsHaveTheirProtocolNames) {
  EXPECT_EQ(json("RECEIVE:5;id:g1;password:pw;srcnum:+1;x:y;msg:a\nb"),
            R"({"verb":"RECEIVE","number":"5","id":"g1","password":"***","srcnum":"+1","smscnum":"","msg":"a\nb",)"
            R"("others":{"x":"y"}})");
  EXPECT_EQ(json("OK 11 1 32\n"), R"({"verb":"OK","sendid":11,"telid":1,"sms_no":32})");
  EXPECT_EQ(json("HANGUP:1;id:g1;password:pw;num:+1,cause:c"),
            R"({"verb":"HANGUP","number":"1","id":"g1","password":"***","num":"+1","cause":"c"})");
}

TEST(GoipDescribe, PasswordsAreShownOnlyWhenAskedFor) {
  EXPECT_EQ(json("REMAIN:5;id:g1;password:pw;gsm_remain_time:-1", {.with_secrets = true}),
            R"({"verb":"REMAIN","number":"5","id":"g1","password":"pw","gsm_remain_time":-1})");
  EXPECT_EQ(to_json(server_message{ussd_request{1, "pw", "*100#"}}),
            R"({"verb":"USSD","sendid":1,"password":"***","code":"*100#"})");
}

TEST(GoipDescribe, IsUtf8WhateverTheDatagramHolds) {
  EXPECT_EQ(json("USSN:5;id:g1;password:p;msg:\xFF\x01"),
            "{\"verb\":\"USSN\",\"number\":\"5\",\"id\":\"g1\",\"password\":\"***\",\"msg\":\"\xEF\xBF\xBD\\u0001\"}");
}

TEST(GoipDescribe, TheSummaryHoldsNoText) {
  EXPECT_EQ(summary(*parse_from_device(as_bytes("RECEIVE:5;id:g1;password:pw;srcnum:+1;msg:secret"))),
            "RECEIVE 5 line g1");
  EXPECT_EQ(summary(*parse_from_device(as_bytes("USSD 111 secret"))), "USSD 111");
}

}  // namespace
}  // namespace msgkit::goip
