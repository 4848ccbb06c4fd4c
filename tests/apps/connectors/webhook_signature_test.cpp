#include "connectors/webhook_signature.hpp"

#include <gtest/gtest.h>

#include "common/digest.hpp"
#include "common/http_auth.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using enum signature_verdict;

constexpr wall_time signed_at{std::chrono::seconds{1'700'000'000}};

http_request post(std::string path, std::string query, std::string body, std::string type) {
  http_request r;
  r.method = "POST";
  r.path = std::move(path);
  r.query = std::move(query);
  r.body = std::move(body);
  r.fields.push_back({"Content-Type", std::move(type)});
  return r;
}
http_request form(std::string path, std::string query, std::string body) {
  return post(std::move(path), std::move(query), std::move(body), "application/x-www-form-urlencoded; charset=utf-8");
}

struct twilio_vector {
  std::string body, signature;
};
signature_options twilio(std::string base = "https://mycompany.com") {
  return {.recipe = signature_recipe::twilio, .secrets = {"12345"}, .public_base_url = std::move(base)};
}
http_request twilio_request(const twilio_vector& v) {
  auto r = form("/myapp.php", "foo=1&bar=2", v.body);
  r.fields.push_back({"X-Twilio-Signature", v.signature});
  return r;
}
const twilio_vector published{
    "Digits=1234&CallSid=CA1234567890ABCDE&Caller=%2B14158675309&From=%2B14158675309&To=%2B18005551212",
    "RSOYDt4T1cUTdK1PDd93/VVr8B8="};
const twilio_vector repeated{"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
                             "IK+Dwps556ElfBT0I3Rgjkr1wJU="};

TEST(TwilioSignature, AcceptsThePublishedVectors) {
  EXPECT_EQ(verify_webhook(twilio(), twilio_request(published), signed_at), good);
  EXPECT_EQ(verify_webhook(twilio(), twilio_request(repeated), signed_at), good);
}

TEST(TwilioSignature, SignsDecodedUtf8) {
  auto r = form("/inbound/abc", "",
                "AccountSid=AC00000000000000000000000000000001&Body=h%C3%A9llo+w%C3%B6rld&From=%2B15551230001"
                "&MessageSid=SM00000000000000000000000000000001&NumMedia=0&SmsStatus=received&To=%2B15551230002");
  r.fields.push_back({"X-Twilio-Signature", "PKcUigIIW5hPlSEKyPsQc89SX44="});
  EXPECT_EQ(verify_webhook(twilio("https://gw.example.com/"), r, signed_at), good);
}

TEST(TwilioSignature, AcceptsTheUrlWithItsDefaultPort) {
  auto r = twilio_request(published);
  const auto text = std::string("https://mycompany.com:443/myapp.php?foo=1&bar=2") +
                    "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212";
  r.fields.back().value = base64_encode(hmac(digest_kind::sha1, "12345", text));
  EXPECT_EQ(verify_webhook(twilio(), r, signed_at), good);
  EXPECT_EQ(verify_webhook(twilio("https://mycompany.com:443"), twilio_request(published), signed_at), good);
  EXPECT_EQ(verify_webhook(twilio("https://mycompany.com:8443"), r, signed_at), wrong);
}

TEST(TwilioSignature, RefusesAnyChangedOctet) {
  for (std::size_t i = 0; i < published.body.size(); ++i) {
    auto changed = published;
    changed.body[i] = changed.body[i] == 'x' ? 'y' : 'x';
    EXPECT_NE(verify_webhook(twilio(), twilio_request(changed), signed_at), good) << i;
  }
  auto r = twilio_request(published);
  r.query = "foo=1&bar=3";
  EXPECT_EQ(verify_webhook(twilio(), r, signed_at), wrong);
}

TEST(TwilioSignature, BindsABodyThatIsNoFormByItsDigest) {
  const std::string body = R"({"property": "value", "boolean": true})";
  const std::string query = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
  const auto signature = base64_encode(hmac(digest_kind::sha1, "12345", "https://mycompany.com/m?" + query));
  auto r = post("/m", query, body, "application/json");
  r.fields.push_back({"X-Twilio-Signature", signature});
  EXPECT_EQ(verify_webhook(twilio(), r, signed_at), good);
  r.body += ' ';
  EXPECT_EQ(verify_webhook(twilio(), r, signed_at), wrong);

  auto unbound = post("/m", "", body, "application/json");
  unbound.fields.push_back(
      {"X-Twilio-Signature", base64_encode(hmac(digest_kind::sha1, "12345", "https://mycompany.com/m"))});
  EXPECT_EQ(verify_webhook(twilio(), unbound, signed_at), wrong);
}

constexpr std::string_view telnyx_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

http_request telnyx_request() {
  auto r = post("/inbound/t", "",
                R"({"data":{"event_type":"message.received","id":"e1","payload":{"id":"m1","text":"hi"}}})",
                "application/json");
  r.fields.push_back({"telnyx-timestamp", "1700000000"});
  r.fields.push_back({"telnyx-signature-ed25519",
                      "PD3ZLqvC43vXuc/7h0GtAPxNtYAqwxyneNhX7Ip3vHQqHdbvU5iifEVHzzDHb7kIVC960IrxdiohQgsgqaCkCQ=="});
  return r;
}
signature_options telnyx() { return {.recipe = signature_recipe::telnyx, .secrets = {std::string(telnyx_key)}}; }

TEST(TelnyxSignature, AcceptsWithinFiveMinutesOnly) {
  const auto r = telnyx_request();
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at), good);
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at + 300s), good);
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at + 301s), stale);
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at - 301s), stale);
}

TEST(TelnyxSignature, RefusesChangedTextAndTime) {
  auto r = telnyx_request();
  r.body.back() = ' ';
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at), wrong);
  r = telnyx_request();
  r.fields[1].value = "1700000001";
  EXPECT_EQ(verify_webhook(telnyx(), r, signed_at), wrong);
  for (const auto* bad : {"17000000001234567", "-1", "1700000000 ", "x"}) {
    r.fields[1].value = bad;
    EXPECT_EQ(verify_webhook(telnyx(), r, signed_at), malformed) << bad;
  }
}

TEST(PlivoSignature, AcceptsTheVectorWhateverTheQuery) {
  auto r = form("/plivo/in", "a=1", "From=1");
  r.fields.push_back({"X-Plivo-Signature-V2", "mKqrshmKEDliMmA/hKz4X7575+cqIFtyeoSZ0eMeKwE="});
  r.fields.push_back({"X-Plivo-Signature-V2-Nonce", "05429567804466091622"});
  signature_options o{
      .recipe = signature_recipe::plivo_v2, .secrets = {"authtoken123"}, .public_base_url = "https://gw.example.com"};
  EXPECT_EQ(verify_webhook(o, r, signed_at), good);
  r.fields.back().value = "05429567804466091623";
  EXPECT_EQ(verify_webhook(o, r, signed_at), wrong);
  r.fields.pop_back();
  EXPECT_EQ(verify_webhook(o, r, signed_at), missing);
}

const std::string vonage_form =
    "messageId=0A0000000123ABCD1&msisdn=15551230001&nonce=n1&text=a%26b%3Dc&timestamp=1700000000&to=15551230002&type="
    "text";

TEST(VonageSignature, AcceptsTheVectorsInFormQueryAndJson) {
  signature_options o{.recipe = signature_recipe::vonage_md5, .secrets = {"sekret"}};
  const std::string md5 = "6f1ac7e480d745ece315bd15b5964ef5";
  EXPECT_EQ(verify_webhook(o, form("/v", "", vonage_form + "&sig=" + md5), signed_at), good);
  EXPECT_EQ(verify_webhook(o, post("/v", vonage_form + "&sig=" + md5, "", ""), signed_at), good);
  EXPECT_EQ(verify_webhook(o, form("/v", "", vonage_form + "&sig=6F1AC7E480D745ECE315BD15B5964EF5"), signed_at), good);
  const auto json = post("/v", "",
                         R"({"messageId":"0A0000000123ABCD1","msisdn":"15551230001","nonce":"n1","text":"a&b=c",)"
                         R"("timestamp":1700000000,"to":"15551230002","type":"text","sig":")" +
                             md5 + "\"}",
                         "application/json");
  EXPECT_EQ(verify_webhook(o, json, signed_at), good);
  o.recipe = signature_recipe::vonage_sha256;
  const std::string sha = "bb795ac678052e0c0a7bb7eff94e3640ce4dfe9f429067279f7b66f72c078df7";
  EXPECT_EQ(verify_webhook(o, form("/v", "", vonage_form + "&sig=" + sha), signed_at), good);
  EXPECT_EQ(verify_webhook(o, form("/v", "", vonage_form + "&sig=" + sha), signed_at + 301s), stale);
  EXPECT_EQ(verify_webhook(o, form("/v", "", vonage_form + "&sig=" + md5), signed_at), wrong);
}

TEST(VonageSignature, RefusesWhatIsNoFlatObject) {
  const signature_options o{.recipe = signature_recipe::vonage_sha256, .secrets = {"sekret"}};
  for (const auto* bad : {"[]", "{", "{\"sig\":[1]}", "{\"a\":{}}", "nonsense"})
    EXPECT_EQ(verify_webhook(o, post("/v", "", bad, "application/json"), signed_at), malformed) << bad;
  std::string many;
  for (int i = 0; i < 101; ++i) many += "a=b&";
  EXPECT_EQ(verify_webhook(o, form("/v", "", many + "sig=00&timestamp=1700000000"), signed_at), malformed);
}

TEST(OurSignature, RoundTripsAndRotates) {
  const auto fields = sign_webhook({"old", "new"}, "body", signed_at);
  ASSERT_EQ(fields.size(), 2u);
  auto r = post("/hook", "", "body", "application/json");
  r.fields.insert(r.fields.end(), fields.begin(), fields.end());
  for (const auto* secret : {"old", "new"})
    EXPECT_EQ(verify_webhook({.recipe = signature_recipe::hmac_sha256, .secrets = {secret}}, r, signed_at), good)
        << secret;
  EXPECT_EQ(verify_webhook({.recipe = signature_recipe::hmac_sha256, .secrets = {"other"}}, r, signed_at), wrong);
  EXPECT_EQ(verify_webhook({.recipe = signature_recipe::hmac_sha256, .secrets = {"old"}}, r, signed_at + 301s), stale);
  r.body = "bodY";
  EXPECT_EQ(verify_webhook({.recipe = signature_recipe::hmac_sha256, .secrets = {"old"}}, r, signed_at), wrong);
}

// What a receiver in another language computes.
TEST(OurSignature, IsTheHmacOfTimestampDotBody) {
  const auto fields = sign_webhook({"key"}, "{}", signed_at);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].value, "1700000000");
  EXPECT_EQ(fields[1].value, "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
  EXPECT_TRUE(sign_webhook({}, "{}", signed_at).empty());
}

TEST(WebhookSignature, FixedSecretsAreCompared) {
  auto r = post("/b", "", "", "");
  const signature_options basic{.recipe = signature_recipe::basic, .secrets = {"user:pass"}};
  EXPECT_EQ(verify_webhook(basic, r, signed_at), missing);
  r.fields.push_back({"Authorization", "Basic " + base64_encode("user:pass")});
  EXPECT_EQ(verify_webhook(basic, r, signed_at), good);
  EXPECT_EQ(verify_webhook({.recipe = signature_recipe::basic, .secrets = {"user:past"}}, r, signed_at), wrong);
  const signature_options token{.recipe = signature_recipe::token, .secrets = {"t0ken"}, .token_header = "X-Key"};
  EXPECT_EQ(verify_webhook(token, r, signed_at), missing);
  r.fields.push_back({"x-key", "t0ken"});
  EXPECT_EQ(verify_webhook(token, r, signed_at), good);
}

TEST(WebhookSignature, FailsClosed) {
  const auto r = twilio_request(published);
  EXPECT_EQ(verify_webhook({}, r, signed_at), no_secret);
  auto o = twilio();
  for (const std::vector<std::string>& none : {std::vector<std::string>{}, {""}, {"", ""}}) {
    o.secrets = none;
    EXPECT_EQ(verify_webhook(o, r, signed_at), no_secret);
  }
  o.insecure = true;
  EXPECT_EQ(verify_webhook(o, r, signed_at), good);
  // An empty secret beside a real one opens nothing.
  auto forged = twilio_request(published);
  forged.fields.back().value =
      base64_encode(hmac(digest_kind::sha1, "", "https://mycompany.com/myapp.php?foo=1&bar=2"));
  o = twilio();
  o.secrets.push_back("");
  EXPECT_EQ(verify_webhook(o, forged, signed_at), wrong);
}

TEST(WebhookSignature, TellsTheOperatorWhatIsMissing) {
  EXPECT_NE(check(signature_options{}), "");
  EXPECT_EQ(check(signature_options{.insecure = true}), "");
  EXPECT_EQ(check(twilio()), "");
  EXPECT_NE(check(twilio("gw.example.org")), "");
  EXPECT_EQ(check(telnyx()), "");
  EXPECT_NE(check(signature_options{.recipe = signature_recipe::telnyx, .secrets = {"c2hvcnQ="}}), "");
  EXPECT_NE(check(signature_options{.recipe = signature_recipe::basic}), "");
}

// printf '%s' '1700000000.POST /in?a=1 body' | openssl dgst -sha256 -hmac s3cret, and -sha1 in base64
const std::string described_hex = "2573b603916bc2059805aec52e9a337aee89294b4f36374b3bbdadbb547e3512",
                  described_base64 = "fkulcohgo1GAK581Juyqi8hwm04=";

signature_options described(bool is_base64) {
  return {.recipe = signature_recipe::hmac,
          .secrets = {"new", "s3cret"},
          .hmac = {.digest = is_base64 ? digest_kind::sha1 : digest_kind::sha256,
                   .header = "X-Sig",
                   .prefix = "v1=",
                   .is_base64 = is_base64,
                   .timestamp_header = "X-Time",
                   .signed_text = "${timestamp}.${method} ${path} ${body}"}};
}
http_request described_request(const std::string& signature, const std::string& time = "1700000000") {
  auto r = post("/in", "a=1", "body", "text/plain");
  r.fields.push_back({"X-Sig", signature});
  r.fields.push_back({"X-Time", time});
  return r;
}

TEST(DescribedSignature, IsVerifiedAsItIsDescribed) {
  EXPECT_EQ(verify_webhook(described(false), described_request("v1=" + described_hex), signed_at), good);
  EXPECT_EQ(verify_webhook(described(true), described_request("v1=" + described_base64), signed_at), good);
  std::string upper = described_hex;
  for (auto& c : upper) c = static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
  EXPECT_EQ(verify_webhook(described(false), described_request("v1=" + upper), signed_at), good);
}

TEST(DescribedSignature, RefusesEverythingElse) {
  const auto o = described(false);
  EXPECT_EQ(verify_webhook(o, described_request(described_hex), signed_at), malformed) << "without its prefix";
  EXPECT_EQ(verify_webhook(o, described_request("v1=" + described_hex.substr(2)), signed_at), wrong);
  EXPECT_EQ(verify_webhook(o, described_request("v1=" + described_hex, "1700000001"), signed_at), wrong);
  EXPECT_EQ(verify_webhook(o, described_request("v1=" + described_hex, ""), signed_at), missing);
  EXPECT_EQ(verify_webhook(o, described_request("v1=" + described_hex, "soon"), signed_at), malformed);
  EXPECT_EQ(verify_webhook(o, described_request(""), signed_at), missing);
  EXPECT_EQ(verify_webhook(o, described_request("v1=" + described_hex), signed_at + 301s), stale);
  auto r = described_request("v1=" + described_hex);
  r.body = "bodY";
  EXPECT_EQ(verify_webhook(o, r, signed_at), wrong);
  auto nobody = o;
  nobody.secrets = {""};
  EXPECT_EQ(verify_webhook(nobody, described_request("v1=" + described_hex), signed_at), no_secret);
}

TEST(DescribedSignature, OverTheUrlNeedsThePublicOne) {
  auto o = described(false);
  o.hmac.signed_text = "${url}${body}";
  EXPECT_NE(check(o), "");
  o.public_base_url = "https://gw.example.org";
  EXPECT_EQ(check(o), "");
  const auto mac = hmac_signature(o.hmac, "s3cret", {.url = "https://gw.example.org:443/in?a=1", .body = "body"});
  EXPECT_EQ(verify_webhook(o, described_request(mac), signed_at), good);
}

TEST(TokenSignature, MayStandInTheQuery) {
  const signature_options o{.recipe = signature_recipe::token, .secrets = {"t0ken"}, .token_query = "key"};
  EXPECT_EQ(verify_webhook(o, form("/in", "a=1&key=t0ken", ""), signed_at), good);
  EXPECT_EQ(verify_webhook(o, form("/in", "a=1&key=other", ""), signed_at), wrong);
  EXPECT_EQ(verify_webhook(o, form("/in", "a=1", "key=t0ken"), signed_at), missing);
}

TEST(AddressSignature, TrustsWhereARequestComesFrom) {
  signature_options o{.recipe = signature_recipe::address};
  auto r = form("/in", "", "a=1");
  r.peer = "192.0.2.7:4711";
  EXPECT_EQ(verify_webhook(o, r, signed_at), no_secret) << "nobody is named";
  EXPECT_NE(check(o), "");
  o.addresses = *ip_ranges::parse({"192.0.2.0/24", "2001:db8::1"});
  EXPECT_EQ(check(o), "");
  EXPECT_EQ(verify_webhook(o, r, signed_at), good);
  r.peer = "[2001:db8::1]:4711";
  EXPECT_EQ(verify_webhook(o, r, signed_at), good);
  for (const auto* peer : {"198.51.100.1:4711", "[2001:db8::2]:1", "", "192.0.2.7x:1"}) {
    r.peer = peer;
    EXPECT_EQ(verify_webhook(o, r, signed_at), wrong) << peer;
  }
}

}  // namespace
}  // namespace msgkit::app
