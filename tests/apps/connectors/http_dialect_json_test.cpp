#include "connectors/http_dialect_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "connectors/http_exchange.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using enum engine::attempt_outcome;

// A provider that takes a form and answers with words.
json form_template() {
  return json::parse(R"json({
    "url": "https://api.example.com/send?v=2",
    "format": "form",
    "body": {"user": "${username}", "pass": "${password}", "to": "${to_digits}", "from": "${from}", "msg": "${text}",
             "ref": "${id}", "media": "${media_urls}", "dlr": "${callback_url}?ref=${id}"},
    "success": {"statuses": [200], "regex": "^OK "},
    "id": {"regex": "^OK ([0-9a-z]+)"},
    "error_code": {"regex": "^ERR ([0-9]+)"},
    "error_text": {"regex": "^ERR [0-9]+ (.*)"},
    "errors": [{"code": "7", "outcome": "opted_out"}, {"code": "9", "outcome": "throttled", "retry_after": 20},
               {"status": 503, "regex": "closed", "outcome": "permanent"}, {"regex": "busy", "outcome": "temporary"}],
    "inbound": {"event_id": "mid", "from": "sender", "to": "recipient", "text": "msg", "media": "media"},
    "status": {"id": "ref", "word": "st", "code": "err", "words": {"D": "delivered", "F": "undelivered"},
               "errors": [{"code": "7", "outcome": "opted_out"}]},
    "reply": {"status": 202, "type": "text/plain", "body": "ACK ${event_id}"},
    "signature": {
  "type" : "hmac-sha1", "header" : "X-Sig", "encoding" : "base64"
}
})json");
}

http_dialect dialect_of(const json& t) {
  std::vector<std::string> errors;
  auto d = read_http_dialect(t.dump(), errors);
  EXPECT_THAT(errors, IsEmpty());
  return d;
}

std::vector<std::string> errors_of(const json& t) {
  std::vector<std::string> errors;
  (void)read_http_dialect(t.dump(), errors);
  return errors;
}

const http_carrier_account account{
    .username = "me", .password = "p&w", .account = "", .profile_id = "", .base_url = ""};
outbound_text message(std::string text = "hé & <b>") {
  return {.id = "m1",
          .from = "15551230001",
          .to = "15551230002",
          .text = std::move(text),
          .callback_url = "https://gw/status/x",
          .unix_time = 1'700'000'000};
}
std::string field(const http_call& c, std::string_view name) {
  for (const auto& f : c.fields)
    if (f.name == name) return f.value;
  return {};
}

TEST(DialectJson, AFormIsFilledAndEscaped) {
  auto m = message();
  m.media_urls = {"https://gw/1", "https://gw/2"};
  const auto c = make_call(dialect_of(form_template()), account, m);
  EXPECT_EQ(c.method, "POST");
  EXPECT_EQ(c.url, "https://api.example.com/send?v=2");
  EXPECT_EQ(field(c, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_THAT(parse_form(c.body),
              ::testing::UnorderedElementsAre(Pair("user", "me"), Pair("pass", "p&w"), Pair("to", "15551230002"),
                                              Pair("from", "+15551230001"), Pair("msg", "hé & <b>"), Pair("ref", "m1"),
                                              Pair("media", "https://gw/1"), Pair("media", "https://gw/2"),
                                              Pair("dlr", "https://gw/status/x?ref=m1")));
}

TEST(DialectJson, AGetHasItsFieldsInTheQuery) {
  const auto d = dialect_of({{"method", "GET"},
                             {"url", "http://kannel:13013/cgi-bin/sendsms"},
                             {"format", "form"},
                             {"body", {{"text", "${text}"}, {"to", "${to_digits}"}}},
                             {"auth", {{"type", "query"}, {"name", "key"}}}});
  const auto c = make_call(d, account, message("a b"));
  EXPECT_EQ(c.method, "GET");
  EXPECT_EQ(c.url, "http://kannel:13013/cgi-bin/sendsms?key=p%26w&text=a%20b&to=15551230002");
  EXPECT_EQ(c.body, "");
  EXPECT_EQ(field(c, "Content-Type"), "");
}

TEST(DialectJson, JsonXmlAndTextAreEscapedAsTheyWant) {
  const auto nested = dialect_of({{"url", "https://a/x"},
                                  {"format", "json"},
                                  {"body",
                                   {{"/to/0", "${to}"},
                                    {"/message/text", "${text}"},
                                    {"/ttl", {{"number", "${validity_secs}"}}},
                                    {"/receipt", {{"flag", "${callback_url}"}}}}}});
  auto m = message("say \"hi\"\n");
  m.validity_secs = 60;
  EXPECT_EQ(
      json::parse(make_call(nested, account, m).body),
      json::parse(R"json({"to":["+15551230002"],"message":{"text":"say \"hi\"\n"},"ttl":60,"receipt":true})json"));
  const auto text =
      dialect_of({{"url", "https://a/x"}, {"format", "json"}, {"body", R"json({"t":["${text}",${part_total}]})json"}});
  EXPECT_EQ(json::parse(make_call(text, account, m).body), json::parse(R"json({"t":["say \"hi\"\n",1]})json"));
  const auto xml = dialect_of({{"url", "https://a/x"}, {"format", "xml"}, {"body", "<m to='${to}'>${text}</m>"}});
  const auto c = make_call(xml, account, message("<b> & \x01\"é\""));
  EXPECT_EQ(c.body, "<m to='+15551230002'>&lt;b&gt; &amp;  &quot;é&quot;</m>");
  EXPECT_EQ(field(c, "Content-Type"), "application/xml; charset=utf-8");
  const auto plain = dialect_of({{"url", "https://a/x"}, {"format", "text"}, {"body", "${to} ${text}"}});
  EXPECT_EQ(make_call(plain, account, message("<b>")).body, "+15551230002 <b>");
}

TEST(DialectJson, HostileValuesStayInTheirPlace) {
  auto m = message("x\r\nX-Evil: 1&to=666");
  m.from = "../..?a=b#c";
  m.from_is_number = false;
  const auto d = dialect_of({{"url", "https://a/from/${from}/send?x=${text}"},
                             {"format", "form"},
                             {"headers", {{"X-Text", "${text}"}}},
                             {"body", "t=${text}"}});
  const auto c = make_call(d, account, m);
  EXPECT_EQ(c.url, "https://a/from/..%2F..%3Fa%3Db%23c/send?x=x%0D%0AX-Evil%3A%201%26to%3D666");
  EXPECT_EQ(field(c, "X-Text"), "x  X-Evil: 1&to=666");
  EXPECT_EQ(c.body, "t=x%0D%0AX-Evil%3A%201%26to%3D666");
}

TEST(DialectJson, EachWayToLogIn) {
  const auto with = [](json auth) {
    return make_call(
        dialect_of({{"url", "https://a/x?y=1"}, {"format", "text"}, {"body", "b"}, {"auth", std::move(auth)}}), account,
        message());
  };
  EXPECT_EQ(field(with({{"type", "none"}}), "Authorization"), "");
  EXPECT_EQ(field(with({{"type", "basic"}}), "Authorization"), "Basic bWU6cCZ3");
  EXPECT_EQ(field(with({{"type", "bearer"}}), "Authorization"), "Bearer p&w");
  EXPECT_EQ(field(with({{"type", "header"}, {"name", "X-Key"}}), "X-Key"), "p&w");
  EXPECT_EQ(with({{"type", "query"}, {"name", "key"}}).url, "https://a/x?y=1&key=p%26w");
  const auto c = with({{"type", "hmac-sha256"},
                       {"header", "X-Sig"},
                       {"prefix", "v1="},
                       {"timestamp_header", "X-Time"},
                       {"signed", "${method} ${path} ${timestamp}.${body}"}});
  EXPECT_EQ(field(c, "X-Time"), "1700000000");
  // printf 'POST /x?y=1 1700000000.b' | openssl dgst -sha256 -hmac 'p&w'
  EXPECT_EQ(field(c, "X-Sig"), "v1=07ae11357dc761665111970a4fd9c8127740484d5f039ab1e403d6409e285a33");
}

TEST(DialectJson, CharsetsSayTheTextOrRefuseIt) {
  auto t = form_template();
  t["charset"] = "iso-8859-1";
  EXPECT_THAT(make_call(dialect_of(t), account, message("hé")).body, HasSubstr("msg=h%E9"));
  EXPECT_THAT(make_call(dialect_of(t), account, message("€")).problem, HasSubstr("iso-8859-1"));
  t["charset"] = "utf-16be";
  EXPECT_THAT(make_call(dialect_of(t), account, message("h€")).body, HasSubstr("msg=%00h%20%AC"));
  t["charset"] = "us-ascii";
  EXPECT_THAT(make_call(dialect_of(t), account, message("é")).problem, HasSubstr("us-ascii"));
}

TEST(DialectJson, AnswersAreReadByPatterns) {
  const auto d = dialect_of(form_template());
  const auto good = read_answer(d, 200, "", "OK 1f3 queued");
  EXPECT_EQ(good.outcome, sent);
  EXPECT_EQ(good.carrier_id, "1f3");
  struct row {
    unsigned status;
    std::string_view body;
    engine::attempt_outcome outcome;
    bool opted_out;
    std::uint32_t retry_after;
  };
  const row rows[]{{200, "ERR 7 stopped", permanent, true, 0},
                   {200, "ERR 9 slow", throttled, false, 20},
                   {200, "ERR 3 bad", permanent, false, 0},
                   {503, "closed", permanent, false, 0},
                   {503, "down", temporary, false, 0},
                   {200, "busy", temporary, false, 0},
                   {429, "", throttled, false, 0},
                   {200, "", unknown, false, 0},
                   {400, "\xff\xfe", permanent, false, 0}};
  for (const auto& r : rows) {
    const auto got = read_answer(d, r.status, "", r.body);
    EXPECT_EQ(got.outcome, r.outcome) << r.status << r.body;
    EXPECT_EQ(got.opted_out, r.opted_out) << r.body;
    EXPECT_EQ(got.retry_after, r.retry_after) << r.body;
  }
  EXPECT_EQ(read_answer(d, 200, "5", "ERR 9 slow").retry_after, 5u) << "the answer's own wish goes first";
  EXPECT_EQ(read_answer(d, 200, "", "ERR 3 bad").text, "bad");
  EXPECT_EQ(read_answer(d, 200, "", "OK " + std::string(5'000, 'a')).outcome, unknown) << "that is no id";
}

TEST(DialectJson, AnswersAreReadByPointers) {
  auto t = form_template();
  t["success"] = {{"statuses", {200, 202}}, {"pointer", "/status"}, {"equals", {"ok", "0"}}};
  t["id"] = {{"pointer", "/data/id"}};
  t["error_code"] = {{"pointer", "/status"}};
  t.erase("error_text");
  const auto d = dialect_of(t);
  EXPECT_EQ(read_answer(d, 202, "", R"json({"status":0,"data":{"id":5}})json").carrier_id, "5");
  EXPECT_EQ(read_answer(d, 200, "", R"json({"status":"9"})json").outcome, throttled);
  EXPECT_EQ(read_answer(d, 200, "", R"json({"status":"ok"})json").outcome, unknown) << "taken, but nameless";
  EXPECT_EQ(read_answer(d, 200, "", "<html>").outcome, unknown);
  EXPECT_EQ(read_answer(d, 201, "", R"json({"status":"ok","data":{"id":5}})json").outcome, permanent);
  t.erase("id");
  EXPECT_EQ(read_answer(dialect_of(t), 200, "", R"json({"status":"ok"})json").outcome, sent) << "it gives no ids";
}

TEST(DialectJson, WebhooksAreReadAndAnswered) {
  const auto d = dialect_of(form_template());
  http_request r;
  r.method = "POST";
  r.body = "mid=e1&sender=%2B1555&recipient=1666&msg=h%C3%A9&media=https://a/1";
  webhook_events out;
  std::string why;
  ASSERT_TRUE(read_webhook(d, r, out, why)) << why;
  ASSERT_EQ(out.texts.size(), 1u);
  EXPECT_EQ(out.texts[0].from, "+1555");
  EXPECT_EQ(out.texts[0].text, "hé");
  EXPECT_THAT(out.texts[0].media_urls, ElementsAre("https://a/1"));
  const auto reply = webhook_reply(d, out);
  EXPECT_EQ(reply.status, 202u);
  EXPECT_EQ(reply.content_type, "text/plain");
  EXPECT_EQ(reply.body, "ACK e1");
  http_request status;
  status.method = "GET";
  status.query = "ref=m1&st=F&err=7";
  out = {};
  ASSERT_TRUE(read_webhook(d, status, out, why)) << why;
  ASSERT_EQ(out.statuses.size(), 1u);
  EXPECT_EQ(out.statuses[0].carrier_id, "m1");
  EXPECT_EQ(out.statuses[0].state, engine::message_state::undelivered);
  EXPECT_TRUE(out.statuses[0].opted_out);
}

TEST(DialectJson, LatinWebhooksBecomeUtf8) {
  auto t = form_template();
  t["charset"] = "iso-8859-1";
  http_request r;
  r.method = "POST";
  r.body = "mid=e1&sender=1555&recipient=1666&msg=h%E9";
  webhook_events out;
  std::string why;
  ASSERT_TRUE(read_webhook(dialect_of(t), r, out, why));
  EXPECT_EQ(out.texts.at(0).text, "hé");
}

TEST(DialectJson, WithoutAnEventIdTextsCome) {
  auto t = form_template();
  t["inbound"].erase("event_id");
  http_request r;
  r.method = "POST";
  r.body = "sender=1555&recipient=1666&msg=x";
  webhook_events out;
  std::string why;
  ASSERT_TRUE(read_webhook(dialect_of(t), r, out, why));
  EXPECT_EQ(out.texts.size(), 1u);
}

TEST(DialectJson, LongTextsAreCutAsThePolicySays) {
  auto t = form_template();
  EXPECT_EQ(parts_of(dialect_of(t), message(std::string(400, 'x')))->size(), 1u);
  t["parts"] = {{"policy", "whole"}, {"characters_max", 399}};
  EXPECT_FALSE(parts_of(dialect_of(t), message(std::string(400, 'x'))));
  t["parts"] = {{"policy", "plain"}};
  const auto plain = parts_of(dialect_of(t), message(std::string(400, 'x')));
  ASSERT_EQ(plain->size(), 3u);
  EXPECT_EQ(plain->at(0).text.size() + plain->at(1).text.size() + plain->at(2).text.size(), 400u);
  EXPECT_EQ(plain->at(0).header, "");
  t["parts"] = {{"policy", "udh"}};
  t["body"]["udh"] = "${udh}";
  t["body"]["hex"] = "${udh_hex}";
  auto whole = message(std::string(100, 'x') + "Ж" + std::string(30, 'y'));
  whole.part_reference = 0xA5;
  const auto d = dialect_of(t);
  const auto cut = parts_of(d, whole);
  ASSERT_EQ(cut->size(), 2u);
  EXPECT_EQ(cut->at(0).text.size(), 67u);
  EXPECT_EQ(cut->at(0).text + cut->at(1).text, whole.text);
  EXPECT_THAT(make_call(d, account, cut->at(1)).body,
              testing::AllOf(HasSubstr("udh=%05%00%03%A5%02%02"), HasSubstr("hex=050003a50202")));
  EXPECT_EQ(make_call(d, account, parts_of(d, message("short"))->at(0)).body.find("udh"), std::string::npos);
}

struct fault {
  const char* change;  // a merge patch
  const char* says;
};
class DialectFault : public ::testing::TestWithParam<fault> {};

TEST_P(DialectFault, IsNamedWithWhatMayStandThere) {
  auto t = form_template();
  t.merge_patch(json::parse(GetParam().change));
  EXPECT_THAT(errors_of(t), ::testing::Contains(HasSubstr(GetParam().says))) << GetParam().change;
}

INSTANTIATE_TEST_SUITE_P(
    All, DialectFault,
    ::testing::Values(
        fault{R"json({"metod":"GET"})json", "template.metod: is not a key of this object; there are: "},
        fault{R"json({"method":"DELETE"})json", "template.method: must be one of GET, POST, PUT"},
        fault{R"json({"url":null})json", "template.url: is missing"},
        fault{R"json({"url":"ftp://a/b"})json", "template.url: must be https://HOST/"},
        fault{R"json({"url":"https://u:p@a/b"})json", "template.url: must be"},
        fault{R"json({"url":"https://${from}/b"})json", "template.url: must be"},
        fault{R"json({"url":"https://a/ b"})json", "template.url: must have no spaces"},
        fault{R"json({"url":"https://a/#b"})json", "fragment"},
        fault{R"json({"url":"https://a/${nobody}"})json",
              "template.url: unknown name ${nobody}; the names are from, to,"},
        fault{R"json({"body":{"a":"${text"}})json", "template.body.a: a ${ is not closed"},
        fault{R"json({"body":{"a":7}})json", "template.body.a: must be text, "},
        fault{R"json({"body":{"a":"x${media_urls}"}})json", "must stand alone"},
        fault{R"json({"body":null})json", "template.body: is missing"},
        fault{R"json({"body":7})json", "template.body: must be"},
        fault{R"json({"format":"xml"})json", "template.body: must be text"},
        fault{R"json({"format":"yaml"})json", "template.format: must be one of form, json, xml, text"},
        fault{R"json({"format":"json","charset":"us-ascii"})json", "template.charset: must be utf-8 for JSON"},
        fault{R"json({"format":"json","body":"{\"a\":${text}\"}"})json", "template.body: with its names filled in"},
        fault{R"json({"format":"json","body":{"/a":"1","/a/b":"2"}})json", "is in the way"},
        fault{R"json({"format":"json","body":{"/a/100":"1"}})json", "at most 2 digits"},
        fault{R"json({"format":"json","body":{"/a/~x":"1"}})json", "must be a JSON pointer"},
        fault{R"json({"headers":{"X Y":"1"}})json", "template.headers.X Y: must be named by letters"},
        fault{R"json({"headers":{"Content-Length":"1"}})json", "is for the gateway to say"},
        fault{R"json({"headers":{"A":"b\r\nC: d"}})json", "must have no control characters"},
        fault{R"json({"auth":{"type":"magic"}})json",
              "template.auth.type: must be one of none, basic, bearer, header, query,"},
        fault{R"json({"auth":{"type":"header"}})json", "template.auth.name: must be the header's name"},
        fault{R"json({"auth":{"type":"hmac-sha256","signed":"${timestamp}"}})json",
              "nothing of the request would be signed"},
        fault{R"json({"auth":{"type":"hmac-sha256","signed":"${text}"}})json", "the names are body, timestamp"},
        fault{R"json({"auth":{"type":"basic","name":"x"}})json", "template.auth.name: is not a key"},
        fault{R"json({"parts":{"policy":"half"}})json", "template.parts.policy: must be one of whole, plain, udh"},
        fault{R"json({"parts":{"policy":"udh"}})json", "udh needs ${udh}"},
        fault{R"json({"parts":{"characters_max":0}})json",
              "template.parts.characters_max: must be a whole number of 1..10000"},
        fault{R"json({"window":1001})json", "template.window: must be a whole number of 1..1000"},
        fault{R"json({"window":18446744073709551615})json", "template.window: must be"},
        fault{R"json({"window":-1})json", "template.window: must be"},
        fault{R"json({"window":1.5})json", "template.window: must be"},
        fault{R"json({"answer_bytes_max":1})json", "1024..1048576"},
        fault{R"json({"webhook_bytes_max":1})json", "1024..1048576"},
        fault{R"json({"success":{"statuses":[199]}})json",
              "template.success.statuses[0]: must be a whole number of 200..299"},
        fault{R"json({"success":{"statuses":[]}})json", "must be a list of 1..20 items"},
        fault{R"json({"success":{"regex":null,"equals":["a"]}})json", "needs a pointer or a regex"},
        fault{R"json({"id":{"pointer":"/a"}})json", "template.id: must have one of pointer and regex"},
        fault{
            R"json({"id":{"regex":"(a)(b)"}
})json",
            "at most one group"},
        fault{R"json({"id":{"regex":"("}})json", "template.id.regex: ( is no regular expression"},
        fault{R"json({"id":{"regex":"(?:a{1000}){1000}"}})json", "is no regular expression"},
        fault{R"json({"errors":[{"outcome":"permanent"}]})json", "template.errors[0]: must have code, status or regex"},
        fault{R"json({"errors":[{"code":"1"}]})json",
              "template.errors[0].outcome: must be one of permanent, temporary,"},
        fault{R"json({"errors":[{"code":"1","outcome":"fatal"}]})json", "template.errors[0].outcome: must be one of"},
        fault{R"json({"errors":[{"status":99,"outcome":"unknown"}]})json", "must be a whole number of 100..599"},
        fault{R"json({"errors":[{"code":"1","outcome":"throttled","retry_after":9999}]})json", "1..3600"},
        fault{R"json({"inbound":{"from":null}})json", "template.inbound.from: is missing"},
        fault{R"json({"inbound":{"from":"/a/~"}})json", "template.inbound.from: must be a JSON pointer"},
        fault{R"json({"inbound":{"types":["in"]}})json", "template.event_type: is missing"},
        fault{R"json({"event_type":"type"})json", "template.event_type: needs types"},
        fault{R"json({"status":{"words":{"D":"arrived"}}})json",
              "template.status.words.D: must be one of sending, sent,"},
        fault{R"json({"status":{"words":null}})json", "template.status.words: must be an object of 1..100 words"},
        fault{R"json({"status":{"id":null}})json", "template.status.id: is missing"},
        fault{R"json({"reply":{"status":302}})json", "template.reply.status: must be a whole number of 200..299"},
        fault{R"json({"reply":{"type":null}})json", "must have both body and type"},
        fault{R"json({"reply":{"body":"${text}"}})json", "the name is event_id"},
        fault{R"json({"signature":null})json", "template.signature: is missing"},
        fault{R"json({"signature":{"type":"rot13"}})json",
              "must be one of none, basic, token, addresses, hmac-sha1, hmac-sha256"},
        fault{R"json({"signature":{"header":"a b"}})json", "template.signature.header: must be letters"},
        fault{R"json({"signature":{"type":"token","header":null,"encoding":null}})json", "must have one of header and query"},
        fault{R"json({"body":{"a":"${webhook_token}"}})json", "template.signature: must be token"},
        fault{R"json({"media":{"auth":"digest"}})json", "template.media.auth: must be one of none, basic, bearer"}));

TEST(DialectJson, WhatIsNoObjectIsRefused) {
  for (const auto* text : {"", "[]", "7", "{", "{\"url\":\"https://a\",\"url\":\"https://b\"}", "\xff"}) {
    std::vector<std::string> errors;
    (void)read_http_dialect(text, errors);
    EXPECT_THAT(errors, ::testing::Not(IsEmpty())) << text;
  }
  auto t = form_template();
  t["body"]["x"] = std::string(40'000, 'x');
  EXPECT_THAT(errors_of(t), ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace msgkit::app
