#include "msggw/directory/object_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace msgkit::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> errors_of(const json& j) {
  client c;
  std::vector<std::string> errors;
  read_json(j, c, errors);
  return errors;
}

TEST(ObjectJson, ReadsBackWhatItShows) {
  client c{.username = "alice",
           .password = "x",
           .allowed_addresses = {"10.0.0.0/8"},
           .timezone = "Europe/Paris",
           .enabled = false};
  c.settings = {
      .auth = auth_method::bearer, .webhook_retries = 3, .default_webhook = "https://x.example/", .sms = {1, 2, 3}};
  auto shown = shown_json(c);
  client again;
  std::vector<std::string> errors;
  read_json(json::parse(shown.dump()), again, errors);
  EXPECT_THAT(errors, IsEmpty());
  again.password = c.password;
  EXPECT_EQ(again, c);
}

TEST(ObjectJson, ShowsNoSecret) {
  const carrier c{.name = "tw", .type = "twilio", .username = "AC1", .password = "s3cret", .signing_secret = "t0p"};
  const auto text = shown_json(c).dump();
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  EXPECT_EQ(text.find("t0p"), std::string::npos);
  EXPECT_NE(text.find(R"("password_set":true)"), std::string::npos);
  EXPECT_NE(text.find(R"("signing_secret_old_set":false)"), std::string::npos);
}

TEST(ObjectJson, NamesFieldAndRange) {
  EXPECT_THAT(errors_of({{"binds_max", 0}}), ElementsAre("binds_max: must be 1..1000"));
  EXPECT_THAT(errors_of({{"binds_max", -1}}), ElementsAre("binds_max: must be 1..1000"));
  EXPECT_THAT(errors_of({{"binds_max", 18446744073709551615u}}), ElementsAre("binds_max: must be 1..1000"));
  EXPECT_THAT(errors_of({{"binds_max", 1.5}}), ElementsAre("binds_max: must be a whole number"));
  EXPECT_THAT(errors_of({{"binds_max", "7"}}), ElementsAre("binds_max: must be a whole number"));
  EXPECT_THAT(errors_of({{"enabled", 1}}), ElementsAre("enabled: must be true or false"));
  EXPECT_THAT(errors_of({{"type", "smtp"}}), ElementsAre("type: must be one of legacy, web"));
  EXPECT_THAT(errors_of({{"username", ""}}), ElementsAre("username: must be 1..64 octets, not 0"));
  EXPECT_THAT(errors_of({{"timezone", "Mars/Base"}}),
              ElementsAre("timezone: must be a time zone like America/Vancouver"));
  EXPECT_THAT(errors_of({{"timezone", "../../etc/passwd"}}),
              ElementsAre("timezone: must be a time zone like America/Vancouver"));
  EXPECT_THAT(errors_of({{"allowed_addresses", {"10.0.0.1", "x"}}}),
              ElementsAre("allowed_addresses: must be an address or a range like 192.0.2.0/24"));
  EXPECT_THAT(errors_of({{"settings", {{"default_webhook", "ftp://x"}}}}),
              ElementsAre("settings.default_webhook: must be an http or https URL"));
  EXPECT_THAT(errors_of({{"settings", {{"colour", 1}}}}),
              ElementsAre("settings.colour: is not a field of this object"));
  EXPECT_THAT(errors_of({{"settings", 1}}), ElementsAre("settings: must be an object"));
  EXPECT_THAT(errors_of(json::parse("[]")), ElementsAre("the body must be an object"));
}

TEST(ObjectJson, AUrlCarriesNoCredentialsAndNoControls) {
  for (const auto* bad :
       {"http://", "https:///x", "http://u:p@host/", "https://host/a b", "https://host/\r\nX: y", "javascript:1"})
    EXPECT_FALSE(accepts::http_url(bad)) << bad;
  EXPECT_TRUE(accepts::http_url("https://host:8443/a?b=c@d"));
}

TEST(ObjectJson, KnowsTimes) {
  for (const auto* good : {"2030-01-31T12:00:00Z", "2030-01-31T12:00:00.123+02:00"})
    EXPECT_TRUE(accepts::date_time(good)) << good;
  for (const auto* bad : {"", "2030-01-31", "2030-13-01T00:00:00Z", "2030-01-31T24:00:00Z", "2030-01-31T12:00:00",
                          "2030-01-31T12:00:00.Z", "2030-01-31T12:00:00+2"})
    EXPECT_FALSE(accepts::date_time(bad)) << bad;
}

TEST(ObjectJson, StoredSecretsAreBoundToTheirPlace) {
  const secret_box box({"a key of the operator"});
  const carrier c{.name = "tw", .type = "twilio", .username = "AC1", .password = "s3cret"};
  const auto stored = stored_json(c, box, "carrier/7");
  carrier again;
  std::string why;
  EXPECT_TRUE(read_stored_json(stored, again, box, "carrier/7", why)) << why;
  EXPECT_EQ(again, c);
  EXPECT_FALSE(read_stored_json(stored, again, box, "carrier/8", why));
  EXPECT_FALSE(read_stored_json("{", again, box, "carrier/7", why));
  EXPECT_FALSE(read_stored_json("[]", again, box, "carrier/7", why));
}

}  // namespace
}  // namespace msgkit::app
