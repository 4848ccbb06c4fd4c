#include "msggw/admin_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/http_auth.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string hashed =
    "scrypt$2$8$1$00000000000000000000000000000000$"
    "0000000000000000000000000000000000000000000000000000000000000000";

struct AdminApi : ::testing::Test {
  directory d{make_memory_document_store(),
              secret_box({"a key of the operator"}),
              {.carrier_types = {"smpp", "twilio"},
               .now = [] { return wall_time{std::chrono::seconds{1'700'000'000}}; },
               .random = random_octets}};
  administrators who{d, "k3y"};
  http_router router;
  bool is_busy = false;
  http_response last;

  AdminApi() {
    std::string why;
    EXPECT_TRUE(d.load(why)) << why;
    const task_runner run = [this](const std::function<void()>& task) {
      if (!is_busy) task();
      return !is_busy;
    };
    add_admin_routes(router, d, run, who);
  }

  json ask(std::string method, std::string path, const json& body = {}, std::string key = "k3y",
           std::string name = "eve") {
    http_request r;
    r.method = std::move(method);
    const auto question = std::min(path.find('?'), path.size());
    r.query = question < path.size() ? path.substr(question + 1) : "";
    r.path = path.substr(0, question);
    r.target = path;
    r.peer = "192.0.2.1:5";
    r.fields.push_back({"Authorization", "Basic " + base64_encode(name + ":" + key)});
    const auto admitted = router.admit(r);
    last = {};
    if (admitted.refusal) {
      last = *admitted.refusal;
    } else {
      r.body = body.is_null() ? "" : body.is_string() ? body.get<std::string>() : body.dump();
      router.run(admitted.tag, std::move(r), http_responder([this](http_response a) { last = std::move(a); }));
    }
    return json::parse(last.body, nullptr, false);
  }
  json add_client(const std::string& username) {
    return ask("POST", "/clients", {{"username", username}, {"password", hashed}});
  }
};

TEST_F(AdminApi, WantsTheKey) {
  ask("GET", "/clients", {}, "other");
  EXPECT_EQ(last.status, 401u);
  ask("GET", "/clients");
  EXPECT_EQ(last.status, 200u);
}

// The two requests of the product this API grew from, to the letter.
TEST_F(AdminApi, TakesTheWellKnownRequests) {
  const auto c =
      ask("POST", "/carriers",
          {{"name", "TwilioCarrier"}, {"type", "twilio"}, {"username", "twilio_user"}, {"password", "secret"}});
  EXPECT_EQ(last.status, 201u) << c;
  EXPECT_EQ(c["name"], "TwilioCarrier");
  EXPECT_EQ(c["type"], "twilio");
  EXPECT_EQ(c["webhook_id"].get<std::string>().size(), 32u);
  const auto client_made = ask("POST", "/clients",
                               {{"username", "client1"},
                                {"password", "client_secret"},
                                {"name", "Client One"},
                                {"address", "http://client.example.com"},
                                {"log_privacy", "public"}});
  EXPECT_EQ(last.status, 201u) << client_made;
  EXPECT_EQ(client_made["log_privacy"], false);
  EXPECT_EQ(ask("POST", "/carriers/reload"), (json{{"status", "Carriers reloaded"}}));
  const auto all = ask("GET", "/carriers");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all.dump().find("secret\""), std::string::npos);
}

TEST_F(AdminApi, ReadsChangesAndRemovesOne) {
  const auto id = add_client("alice")["id"].dump();
  EXPECT_EQ(ask("GET", "/clients/" + id)["username"], "alice");
  EXPECT_EQ(ask("PATCH", "/clients/" + id, {{"name", "Alice"}})["name"], "Alice");
  EXPECT_EQ(ask("PUT", "/clients/" + id + "/settings", {{"sms_daily_limit", 7}})["settings"]["sms_daily_limit"], 7);
  EXPECT_EQ(ask("GET", "/clients/" + id + "/settings")["sms_daily_limit"], 7);
  EXPECT_EQ(ask("PATCH", "/clients/" + id + "/password", {{"new_password", hashed}})["status"], "password changed");
  ask("PATCH", "/clients/" + id + "/password", {{"password", "x"}});
  EXPECT_EQ(last.status, 400u);
  ask("DELETE", "/clients/" + id);
  EXPECT_EQ(last.status, 200u);
  ask("GET", "/clients/" + id);
  EXPECT_EQ(last.status, 404u);
}

TEST_F(AdminApi, ManagesNumbersUnderTheirClient) {
  const auto alice = add_client("alice")["id"].dump(), bob = add_client("bob")["id"].dump();
  const auto n = ask("POST", "/clients/" + alice + "/numbers", {{"number", "+1 (555) 123-0001"}, {"tag", "t"}});
  EXPECT_EQ(last.status, 201u) << n;
  EXPECT_EQ(n["number"], "15551230001");
  const auto id = n["id"].dump();
  EXPECT_EQ(ask("GET", "/clients/" + alice + "/numbers").size(), 1u);
  EXPECT_EQ(ask("GET", "/clients/" + bob + "/numbers").size(), 0u);
  ask("DELETE", "/clients/" + bob + "/numbers/" + id);
  EXPECT_EQ(last.status, 404u) << "not one of bob's";
  ask("POST", "/clients/" + bob + "/numbers", {{"number", "15551230001"}});
  EXPECT_EQ(last.status, 409u);
  EXPECT_EQ(ask("PUT", "/numbers/" + id + "/settings", {{"auto_reply_enabled", true}})["auto_reply_enabled"], true);
  ask("POST", "/clients/99/numbers", {{"number", "15551230002"}});
  EXPECT_EQ(last.status, 404u);
}

TEST_F(AdminApi, ShowsANewKeyOnce) {
  const auto alice = add_client("alice")["id"].dump();
  const auto made = ask("POST", "/clients/" + alice + "/api-keys", {{"name", "k"}, {"scopes", {"send"}}});
  EXPECT_EQ(last.status, 201u) << made;
  const auto key = made["key"].get<std::string>();
  EXPECT_THAT(key, ::testing::StartsWith("gw_live_"));
  const auto listed = ask("GET", "/clients/" + alice + "/api-keys");
  EXPECT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed.dump().find(key), std::string::npos);
  EXPECT_FALSE(listed[0].contains("key_hash"));
}

TEST_F(AdminApi, SaysWhatIsWrong) {
  EXPECT_THAT(ask("POST", "/clients", {{"username", ""}}).dump(), HasSubstr("username: must be 1..64 octets"));
  EXPECT_EQ(last.status, 400u);
  ask("POST", "/clients", "{\"a\":");
  EXPECT_EQ(last.status, 400u);
  ask("POST", "/clients", "[]");
  EXPECT_EQ(last.status, 400u);
  add_client("alice");
  add_client("alice");
  EXPECT_EQ(last.status, 409u);
  for (const auto* path : {"/clients/x", "/clients/99999999999999999999", "/clients/-1", "/clients/7"}) {
    ask("GET", path);
    EXPECT_EQ(last.status, 404u) << path;
    ask("DELETE", path);
    EXPECT_EQ(last.status, 404u) << path;
  }
  is_busy = true;
  add_client("bob");
  EXPECT_EQ(last.status, 503u);
}

TEST_F(AdminApi, Pages) {
  for (const auto* name : {"a", "b", "c", "d", "e"}) add_client(name);
  const auto page = ask("GET", "/clients?page=2&per_page=2");
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0]["username"], "c");
  EXPECT_EQ(last.fields.at(0).value, "5");
  EXPECT_EQ(ask("GET", "/clients").size(), 5u);
  EXPECT_EQ(ask("GET", "/clients?page=9&per_page=2").size(), 0u);
  ask("GET", "/clients?per_page=0");
  EXPECT_EQ(last.status, 400u);
}

TEST_F(AdminApi, AuditsWhoDidWhat) {
  const auto id = add_client("alice")["id"].dump();
  ask("PATCH", "/clients/" + id, {{"enabled", false}});
  const auto audit = ask("GET", "/audit");
  ASSERT_EQ(audit.size(), 2u);
  EXPECT_EQ(audit[0]["actor"], "eve@192.0.2.1:5");
  EXPECT_EQ(audit[0]["action"], "update");
  EXPECT_EQ(audit[0]["before"]["enabled"], true);
  EXPECT_EQ(audit[0]["after"]["enabled"], false);
  EXPECT_TRUE(audit[1]["before"].is_null());
  EXPECT_EQ(ask("GET", "/audit?before=2").size(), 1u);
}

TEST_F(AdminApi, ARoleSaysWhatAnAdministratorMayDo) {
  std::map<std::string, std::string> keys;
  for (const auto* role : {"read-only", "operator", "admin"}) {
    const auto made = ask("POST", "/administrators", {{"name", role}, {"role", role}});
    ASSERT_EQ(last.status, 201u) << last.body;
    keys[role] = made["key"];
    EXPECT_THAT(keys[role], ::testing::StartsWith("gw_admin_"));
    EXPECT_FALSE(made.contains("key_hash"));
  }
  EXPECT_THAT(ask("GET", "/administrators").dump(), ::testing::Not(HasSubstr(keys["admin"])));
  const auto status = [&](const std::string& role, const std::string& method, const std::string& path,
                          const json& body = {}) {
    ask(method, path, body, keys[role], role);
    return last.status;
  };
  const json client{{"username", "a"}, {"password", hashed}}, another{{"name", "x"}, {"role", "admin"}};
  for (const auto* role : {"read-only", "operator", "admin"}) {
    EXPECT_EQ(status(role, "GET", "/clients"), 200u);
    EXPECT_EQ(status(role, "GET", "/administrators"), 200u);
  }
  EXPECT_EQ(status("read-only", "POST", "/clients", client), 403u);
  EXPECT_EQ(status("operator", "POST", "/clients", client), 201u);
  EXPECT_EQ(status("read-only", "POST", "/administrators", another), 403u);
  EXPECT_EQ(status("operator", "POST", "/administrators", another), 403u);
  EXPECT_EQ(status("operator", "POST", "/%61dministrators", another), 403u) << "however it is spelt";
  EXPECT_EQ(status("admin", "POST", "/administrators", another), 201u);
}

TEST_F(AdminApi, AnAdministratorsKeyIsHisAloneAndCanBeTakenAway) {
  const auto made = ask("POST", "/administrators", {{"name", "bob"}, {"role", "operator"}});
  const std::string key = made["key"], one = "/administrators/" + made["id"].dump();
  ask("POST", "/clients", {{"username", "a"}, {"password", hashed}}, key, "bob");
  EXPECT_EQ(last.status, 201u);
  EXPECT_EQ(ask("GET", "/audit")[0]["actor"], "bob@192.0.2.1:5");
  ask("GET", "/clients", {}, key, "alice");
  EXPECT_EQ(last.status, 401u) << "under another name";
  EXPECT_THAT(ask("POST", "/administrators", {{"name", "bob"}}).dump(), HasSubstr("taken"));
  for (const json& change : {json{{"active", false}}, json{{"active", true}, {"expires_at", "2020-01-01T00:00:00Z"}}}) {
    ask("PATCH", one, change);
    ASSERT_EQ(last.status, 200u) << last.body;
    ask("GET", "/clients", {}, key, "bob");
    EXPECT_EQ(last.status, 401u) << change;
  }
  ask("PATCH", one, {{"expires_at", "2999-01-01T00:00:00Z"}});
  ask("GET", "/clients", {}, key, "bob");
  EXPECT_EQ(last.status, 200u);
  ask("DELETE", one);
  ask("GET", "/clients", {}, key, "bob");
  EXPECT_EQ(last.status, 401u);
}

TEST_F(AdminApi, NewClientsHaveTheDefaultsOfTheGateway) {
  http_router other;
  add_admin_routes(other, d,
                   [](const std::function<void()>& task) {
                     task();
                     return true;
                   },
                   who, {3, 7});
  std::swap(router, other);
  const auto made = add_client("a");
  EXPECT_EQ(made["settings"]["webhook_retries"], 3);
  EXPECT_EQ(made["settings"]["webhook_timeout_secs"], 7);
  const auto own =
      ask("POST", "/clients", {{"username", "b"}, {"password", hashed}, {"settings", {{"webhook_retries", 9}}}});
  EXPECT_EQ(own["settings"]["webhook_retries"], 9);
  EXPECT_EQ(own["settings"]["webhook_timeout_secs"], 7);
}

TEST_F(AdminApi, AnswersOfANumberHaveAPlaceOfTheirOwn) {
  const auto c = add_client("a");
  const auto n = ask("POST", "/clients/" + c["id"].dump() + "/numbers", {{"number", "15550001"}});
  const auto path = "/numbers/" + n["id"].dump() + "/auto-reply";
  EXPECT_EQ(ask("PUT", path, {{"enabled", true}, {"message", "closed"}, {"cooldown_secs", 5}})["message"], "closed");
  EXPECT_EQ(ask("GET", path)["enabled"], true);
  EXPECT_EQ(ask("GET", path)["cooldown_secs"], 5);
  ask("PUT", path, {{"number", "1"}});
  EXPECT_EQ(last.status, 400u);
}

}  // namespace
}  // namespace msgkit::app
