#include "connectors/http_exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "connectors/template_text.hpp"

namespace msgkit::app {
namespace {

using enum engine::attempt_outcome;
using state = engine::message_state;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const http_dialect& dialect(std::string_view name) {
  const auto* const d = find_http_dialect(name);
  if (d == nullptr) throw std::invalid_argument(std::string(name));
  return *d;
}

const http_carrier_account account{
    .username = "AC0", .password = "s3cret", .account = "9900000", .profile_id = "p-1", .base_url = ""};
const outbound_text message{.id = "m-1",
                            .from = "15551230001",
                            .to = "15551230002",
                            .text = "a&b=\"c\" \xC3\xA9",
                            .media_urls = {"https://gw/1", "https://gw/2"},
                            .callback_url = "https://gw/inbound/x"};

http_call call_of(std::string_view name, const outbound_text& m = message) {
  return make_call(dialect(name), account, m);
}
nlohmann::json json_of(std::string_view name, const outbound_text& m = message) {
  return nlohmann::json::parse(call_of(name, m).body);
}
std::string field(const http_call& c, std::string_view name) {
  for (const auto& f : c.fields)
    if (f.name == name) return f.value;
  return {};
}

TEST(HttpCall, TwilioIsAFormWithBasicLogin) {
  const auto c = call_of("twilio");
  EXPECT_EQ(c.url, "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages.json");
  EXPECT_EQ(field(c, "Authorization"), "Basic QUMwOnMzY3JldA==");
  EXPECT_EQ(field(c, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_THAT(parse_form(c.body),
              ElementsAre(Pair("To", "+15551230002"), Pair("From", "+15551230001"), Pair("MessagingServiceSid", "p-1"),
                          Pair("Body", message.text), Pair("MediaUrl", "https://gw/1"),
                          Pair("MediaUrl", "https://gw/2"), Pair("StatusCallback", "https://gw/inbound/x")));
}

TEST(HttpCall, TelnyxIsJsonWithABearer) {
  const auto c = call_of("telnyx");
  EXPECT_EQ(field(c, "Authorization"), "Bearer s3cret");
  EXPECT_EQ(nlohmann::json::parse(c.body), (nlohmann::json{{"from", "+15551230001"},
                                                           {"to", "+15551230002"},
                                                           {"messaging_profile_id", "p-1"},
                                                           {"text", message.text},
                                                           {"media_urls", {"https://gw/1", "https://gw/2"}},
                                                           {"webhook_url", "https://gw/inbound/x"}}));
}

TEST(HttpCall, BandwidthNamesItsAccountAndListsRecipients) {
  EXPECT_EQ(call_of("bandwidth").url, "https://messaging.bandwidth.com/api/v2/users/9900000/messages");
  const auto j = json_of("bandwidth");
  EXPECT_EQ(j["to"], nlohmann::json::array({"+15551230002"}));
  EXPECT_EQ(j["applicationId"], "p-1");
  EXPECT_EQ(j["tag"], "m-1");
}

TEST(HttpCall, PlivoAndSinchWantDigits) {
  EXPECT_EQ(json_of("plivo")["dst"], "15551230002");
  EXPECT_EQ(json_of("plivo")["src"], "15551230001");
  EXPECT_EQ(json_of("sinch")["to"], nlohmann::json::array({"15551230002"}));
  auto m = message;
  m.validity_secs = 60;
  EXPECT_EQ(json_of("plivo", m)["message_expiry"], 60);
  EXPECT_FALSE(json_of("plivo").contains("message_expiry"));
}

TEST(HttpCall, VonagePutsItsSecretInTheForm) {
  auto m = message;
  m.is_gsm7 = false;
  const auto c = call_of("vonage", m);
  EXPECT_EQ(field(c, "Authorization"), "");
  EXPECT_THAT(parse_form(c.body), ::testing::IsSupersetOf({Pair("api_key", "AC0"), Pair("api_secret", "s3cret"),
                                                           Pair("type", "unicode"), Pair("status-report-req", "1")}));
}

TEST(HttpCall, AlphanumericSendersGetNoPlus) {
  auto m = message;
  m.from = "Shop";
  m.from_is_number = false;
  EXPECT_EQ(json_of("telnyx", m)["from"], "Shop");
}

TEST(HttpCall, HostileValuesStayInTheirPlace) {
  auto m = message;
  m.text = "x&From=+1666\r\nX: y";
  auto a = account;
  a.username = "../../v2?x=1#y";
  const auto c = make_call(dialect("twilio"), a, m);
  EXPECT_EQ(c.url, "https://api.twilio.com/2010-04-01/Accounts/..%2F..%2Fv2%3Fx%3D1%23y/Messages.json");
  EXPECT_THAT(parse_form(c.body), ::testing::Contains(Pair("Body", m.text)));
  EXPECT_EQ(c.body.find('\r'), std::string::npos);
  m.text = "\", \"from\": \"+1666";
  EXPECT_EQ(json_of("telnyx", m)["text"], m.text);
}

TEST(HttpAnswer, SuccessCarriesTheCarriersId) {
  EXPECT_EQ(read_answer(dialect("twilio"), 201, "", R"({"sid":"SM1","status":"queued"})").carrier_id, "SM1");
  EXPECT_EQ(read_answer(dialect("telnyx"), 200, "", R"({"data":{"id":"t1"}})").carrier_id, "t1");
  EXPECT_EQ(read_answer(dialect("bandwidth"), 202, "", R"({"id":"b1"})").carrier_id, "b1");
  EXPECT_EQ(read_answer(dialect("plivo"), 202, "", R"({"message_uuid":["p1"]})").carrier_id, "p1");
  EXPECT_EQ(read_answer(dialect("vonage"), 200, "", R"({"messages":[{"message-id":"v1","status":"0"}]})").carrier_id,
            "v1");
  EXPECT_EQ(read_answer(dialect("sinch"), 201, "", R"({"id":"s1"})").outcome, sent);
}

TEST(HttpAnswer, AnErrorInsideA200IsOne) {
  const auto r = read_answer(dialect("vonage"), 200, "", R"({"messages":[{"status":"1","error-text":"Throttled"}]})");
  EXPECT_EQ(r.outcome, throttled);
  EXPECT_EQ(r.code, "1");
  EXPECT_EQ(r.text, "Throttled");
  EXPECT_EQ(read_answer(dialect("vonage"), 200, "", R"({"messages":[{"status":"6"}]})").outcome, permanent);
}

TEST(HttpAnswer, CodesAndStatusesDecideAboutTryingAgain) {
  struct row {
    std::string_view name;
    unsigned status;
    std::string_view body;
    engine::attempt_outcome outcome;
  };
  const row rows[]{{"twilio", 400, R"({"code":21211,"message":"bad To"})", permanent},
                   {"twilio", 429, R"({"code":20429})", throttled},
                   {"twilio", 401, R"({"code":20003})", temporary},
                   {"twilio", 400, R"({"code":21610})", permanent},
                   {"twilio", 500, "<html>", temporary},
                   {"telnyx", 429, R"({"errors":[{"code":"10011"}]})", throttled},
                   {"telnyx", 422, R"({"errors":[{"code":"40300","title":"STOP"}]})", permanent},
                   {"telnyx", 403, "", temporary},
                   {"bandwidth", 429, R"({"type":"too-many-requests"})", throttled},
                   {"sinch", 503, "", temporary},
                   {"sinch", 404, "{}", permanent},
                   {"plivo", 408, "", temporary}};
  for (const auto& r : rows)
    EXPECT_EQ(read_answer(dialect(r.name), r.status, "", r.body).outcome, r.outcome) << r.name << r.status;
  EXPECT_TRUE(read_answer(dialect("twilio"), 400, "", R"({"code":21610})").opted_out);
  EXPECT_TRUE(read_answer(dialect("telnyx"), 422, "", R"({"errors":[{"code":"40300"}]})").opted_out);
  EXPECT_FALSE(read_answer(dialect("twilio"), 400, "", R"({"code":21211})").opted_out);
}

TEST(HttpAnswer, AnUnreadableSuccessIsUnknown) {
  for (const auto* body : {"", "<html>", "{", "[]", "{}", R"({"sid":null})", R"({"sid":{}})"})
    EXPECT_EQ(read_answer(dialect("twilio"), 201, "", body).outcome, unknown) << body;
}

TEST(HttpAnswer, TakesTheCarriersWishToWait) {
  EXPECT_EQ(read_answer(dialect("twilio"), 429, "7", "").retry_after, 7u);
  EXPECT_EQ(read_answer(dialect("twilio"), 429, "99999", "").retry_after, 3'600u);
  EXPECT_EQ(read_answer(dialect("twilio"), 429, "Wed, 21 Oct 2026 07:28:00 GMT", "").retry_after, 0u);
  EXPECT_LE(
      read_answer(dialect("twilio"), 400, "", R"({"code":1,"message":")" + std::string(9'000, 'x') + "\"}").text.size(),
      256u);
}

webhook_events events_of(std::string_view name, std::string body, std::string query = "") {
  http_request r;
  r.method = body.empty() ? "GET" : "POST";
  r.body = std::move(body);
  r.query = std::move(query);
  webhook_events out;
  std::string why;
  EXPECT_TRUE(read_webhook(dialect(name), r, out, why)) << why;
  return out;
}

TEST(HttpWebhook, TwilioTextsAndStatuses) {
  const auto e = events_of("twilio",
                           "MessageSid=MM1&From=%2B15551230001&To=%2B15551230002&Body=h%C3%A9+llo&NumMedia=2"
                           "&MediaUrl0=https%3A%2F%2Fa&MediaUrl1=https%3A%2F%2Fb&SmsStatus=received");
  ASSERT_EQ(e.texts.size(), 1u);
  EXPECT_EQ(e.texts[0].event_id, "MM1");
  EXPECT_EQ(e.texts[0].text, "h\xC3\xA9 llo");
  EXPECT_THAT(e.texts[0].media_urls, ElementsAre("https://a", "https://b"));
  const auto s = events_of("twilio", "MessageSid=SM1&MessageStatus=undelivered&SmsStatus=undelivered&ErrorCode=30003");
  ASSERT_EQ(s.statuses.size(), 1u);
  EXPECT_EQ(s.statuses[0].state, state::undelivered);
  EXPECT_EQ(s.statuses[0].code, "30003");
  EXPECT_TRUE(s.statuses[0].is_final);
  EXPECT_EQ(s.statuses[0].event_id, "SM1/undelivered");
  EXPECT_FALSE(events_of("twilio", "MessageSid=SM1&MessageStatus=sent").statuses[0].is_final);
}

TEST(HttpWebhook, TelnyxByEventType) {
  const auto e =
      events_of("telnyx", R"({"data":{"event_type":"message.received","id":"e1","payload":{"id":"m1","text":"hi",)"
                          R"("from":{"phone_number":"+1555"},"to":[{"phone_number":"+1666"}],)"
                          R"("media":[{"url":"https://a"},{"nothing":1}]}}})");
  ASSERT_EQ(e.texts.size(), 1u);
  EXPECT_EQ(e.texts[0].event_id, "e1");
  EXPECT_EQ(e.texts[0].to, "+1666");
  EXPECT_THAT(e.texts[0].media_urls, ElementsAre("https://a"));
  const auto s =
      events_of("telnyx", R"({"data":{"event_type":"message.finalized","id":"e2","payload":{"id":"m1",)"
                          R"("to":[{"status":"delivery_failed"}],"errors":[{"code":"40300","title":"Blocked"}]}}})");
  ASSERT_EQ(s.statuses.size(), 1u);
  EXPECT_EQ(s.statuses[0].state, state::undelivered);
  EXPECT_TRUE(s.statuses[0].opted_out);
  EXPECT_EQ(events_of("telnyx", R"({"data":{"event_type":"call.hangup","id":"e3"}})").ignored, 1u);
}

TEST(HttpWebhook, BandwidthSendsLists) {
  const auto e = events_of(
      "bandwidth", R"([{"type":"message-received","to":"+1666","message":{"id":"b1","from":"+1555","text":"a"}},)"
                   R"({"type":"message-delivered","message":{"id":"b2"}},)"
                   R"({"type":"message-failed","errorCode":4432,"description":"d","message":{"id":"b3"}}])");
  ASSERT_EQ(e.texts.size(), 1u);
  ASSERT_EQ(e.statuses.size(), 2u);
  EXPECT_EQ(e.statuses[0].state, state::delivered);
  EXPECT_EQ(e.statuses[1].code, "4432");
}

TEST(HttpWebhook, VonageInParts) {
  const auto e = events_of(
      "vonage", "", "msisdn=1555&to=1666&messageId=v1&text=a&concat=true&concat-ref=7&concat-total=2&concat-part=1");
  ASSERT_EQ(e.texts.size(), 1u);
  ASSERT_TRUE(e.texts[0].part);
  EXPECT_EQ(e.texts[0].part->reference, "7");
  EXPECT_EQ(e.texts[0].part->total, 2u);
  for (const auto* bad : {"concat-ref=7&concat-total=2&concat-part=3", "concat-ref=7&concat-total=999&concat-part=1",
                          "concat-ref=7&concat-total=x&concat-part=1"})
    EXPECT_FALSE(events_of("vonage", std::string("msisdn=1&to=2&messageId=v&text=a&") + bad).texts[0].part) << bad;
  EXPECT_EQ(events_of("vonage", R"({"messageId":"v1","status":"expired","err-code":"1"})").statuses[0].state,
            state::expired);
}

TEST(HttpWebhook, PlivoAndSinch) {
  EXPECT_EQ(events_of("plivo", "From=1&To=2&Text=t&MessageUUID=u&Media0=https%3A%2F%2Fa").texts[0].media_urls.size(),
            1u);
  EXPECT_EQ(events_of("plivo", "Status=rejected&MessageUUID=u").statuses[0].state, state::rejected);
  EXPECT_EQ(events_of("sinch", R"({"type":"mo_text","id":"s","from":"1","to":"2","body":"b"})").texts[0].text, "b");
  EXPECT_EQ(
      events_of("sinch", R"({"type":"recipient_delivery_report_sms","batch_id":"s","code":0,"status":"Delivered"})")
          .statuses[0]
          .state,
      state::delivered);
}

TEST(HttpWebhook, WhatItCannotUseIsCountedNotInvented) {
  for (const auto& [name, body] : {std::pair{"twilio", "MessageSid=1"},
                                   {"twilio", "MessageSid=1&MessageStatus=dancing"},
                                   {"bandwidth", "[{},1,null,[]]"},
                                   {"sinch", R"({"type":"mo_text"})"},
                                   {"telnyx", R"({"data":7})"}}) {
    const auto e = events_of(name, body);
    EXPECT_THAT(e.texts, IsEmpty()) << body;
    EXPECT_THAT(e.statuses, IsEmpty()) << body;
    EXPECT_GT(e.ignored, 0u) << body;
  }
}

TEST(HttpWebhook, SaysWhyABodyCannotBeRead) {
  const auto reason = [](std::string_view name, std::string body) {
    http_request r;
    r.body = std::move(body);
    webhook_events out;
    std::string why;
    EXPECT_FALSE(read_webhook(dialect(name), r, out, why));
    return why;
  };
  EXPECT_EQ(reason("telnyx", "{}"), "has no /data");
  EXPECT_NE(reason("telnyx", "{\"data\""), "");
  EXPECT_NE(reason("telnyx", R"({"data":1,"data":2})"), "");
  EXPECT_NE(reason("bandwidth", std::string(100, '[')), "");
  std::string many = "[{}";
  for (int i = 0; i < 1'000; ++i) many += ",{}";
  EXPECT_EQ(reason("bandwidth", many + "]"), "has more than 1000 events");
}

// Whatever a carrier sends: an answer or an error.
TEST(HttpWebhook, EveryPrefixAndChangeOfABodyIsReadOrRefused) {
  const std::string body =
      R"({"data":{"event_type":"message.received","id":"e1","payload":{"text":"hi",)"
      R"("from":{"phone_number":"+1555"},"to":[{"phone_number":"+1666"}],"media":[{"url":"a"}]}}})";
  for (const auto& name : http_dialect_names()) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      for (const auto& text : {body.substr(0, i), body.substr(0, i) + '\x01' + body.substr(i + 1),
                               body.substr(0, i) + '[' + body.substr(i + 1)}) {
        http_request r;
        r.body = text;
        webhook_events out;
        std::string why;
        EXPECT_TRUE(read_webhook(dialect(name), r, out, why) || !why.empty());
        (void)read_answer(dialect(name), 200, "", text);
      }
    }
  }
}

TEST(HttpDialect, TheOnesWeShipAreSound) {
  EXPECT_THAT(http_dialect_names(), ElementsAre("twilio", "telnyx", "bandwidth", "plivo", "vonage", "sinch"));
  for (const auto& name : http_dialect_names()) {
    EXPECT_EQ(check_template(dialect(name).path, is_request_name), "") << name;
    for (const auto& f : dialect(name).body) EXPECT_EQ(check_template(f.value, is_request_name), "") << name << f.name;
  }
  EXPECT_EQ(find_http_dialect("pigeon"), nullptr);
}

TEST(HttpDialect, RepliesAsTheCarrierWants) {
  EXPECT_EQ(webhook_reply(dialect("twilio")).body, "<Response/>");
  EXPECT_EQ(webhook_reply(dialect("telnyx")).status, 204u);
}

TEST(HttpWebhook, NamesEverybodyAMessageWentTo) {
  const auto e =
      events_of("telnyx", R"({"data":{"event_type":"message.received","id":"e","payload":{"subject":"S","text":"t",)"
                          R"("from":{"phone_number":"+1"},"to":[{"phone_number":"+2"},{"phone_number":"+3"},{"x":1}],)"
                          R"("cc":[{"phone_number":"+4"},{"phone_number":"+3"}]}}})");
  ASSERT_EQ(e.texts.size(), 1u);
  EXPECT_EQ(e.texts[0].to, "+2");
  EXPECT_EQ(e.texts[0].subject, "S");
  EXPECT_THAT(e.texts[0].recipients, ElementsAre("+2", "+3", "+4"));
  const auto one = events_of("telnyx", R"({"data":{"event_type":"message.received","id":"e","payload":{"text":"t",)"
                                       R"("from":{"phone_number":"+1"},"to":[{"phone_number":"+2"}]}}})");
  EXPECT_TRUE(one.texts.at(0).recipients.empty()) << "one alone is no group";
}

TEST(HttpMedia, AreFetchedWithTheLoginThatTheCarrierWants) {
  const http_carrier_account customer{.username = "u", .password = "p"};
  EXPECT_EQ(media_login(*find_http_dialect("twilio"), customer).at(0).value, "Basic dTpw");
  EXPECT_TRUE(media_login(*find_http_dialect("telnyx"), customer).empty());
  EXPECT_TRUE(find_http_dialect("bandwidth")->takes_media());
  EXPECT_FALSE(find_http_dialect("vonage")->takes_media());
}

}  // namespace
}  // namespace msgkit::app
