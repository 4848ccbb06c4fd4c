#include "goip_xmpp/config.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace msgkit::app;

namespace {

constexpr const char* base = R"(
[xmpp]
domain = "sms.example.org"
secret = "x"
[[goip.lines]]
id = "g1"
password = "pw"
number = "+3725550001"
carrier = "both"
[[goip.lines]]
id = "g2"
password = "pw"
carrier = "both"
[[xmpp.users]]
jid = "Alice@example.org"
carrier = "both"
[[xmpp.users]]
jid = "bob@example.org"
carrier = "both"
number = "+3725550009"
allow = '^\+372'
)";

goip_xmpp_config read(const std::string& text, std::string* errors = nullptr) {
  auto reader = config_reader::from_text(text);
  auto c = read_goip_xmpp_config(reader);
  reader.finish();
  if (errors != nullptr) *errors = reader.errors_text();
  else EXPECT_TRUE(reader.ok()) << reader.errors_text();
  return c;
}

}  // namespace

TEST(GoipXmppConfig, UsersShareTheLinesOfTheirCarrier) {
  const auto plan = make_plan(read(base), {}, {});
  ASSERT_EQ(plan.lines.size(), 2u);
  ASSERT_EQ(plan.users.size(), 2u);
  EXPECT_EQ(plan.users[0].jid, "alice@example.org");
  EXPECT_EQ(plan.users[0].number, "+3725550001");
  EXPECT_EQ(plan.users[1].number, "+3725550009");
  EXPECT_TRUE(plan.users[1].may_send_to("+3721"));
  EXPECT_FALSE(plan.users[1].may_send_to("+9991"));
  EXPECT_EQ(plan.lines_of_user.at("alice@example.org"), (std::vector<std::string>{"g1", "g2"}));
  EXPECT_EQ(plan.receiver_of_line.at("g2"), "alice@example.org");
  EXPECT_EQ(plan.routes.size(), 3u);  // two users out, one way in
}

TEST(GoipXmppConfig, StoredLinesComeBesideThoseOfTheFile) {
  const auto c = read(base);
  const stored_line good{
      .extension = "2001", .id = "goippy_2001", .password = "p", .number = {}, .jid = "2001@example.org"};
  auto twice = good, broken = good, taken = good;
  twice.id = "other";  // the user has a line
  broken.id = "third", broken.jid = "c@d", broken.allow = "(";
  taken.id = "g1", taken.jid = "e@f";
  const auto plan = make_plan(c, {good, twice, broken, taken}, {"g2"});
  EXPECT_EQ(plan.lines.size(), 3u);
  EXPECT_EQ(plan.users.back().number, "goippy_2001");
  EXPECT_EQ(plan.problems.size(), 3u);
  EXPECT_TRUE(plan.lines[0].line.enabled);
  EXPECT_FALSE(plan.lines[1].line.enabled);
}

TEST(GoipXmppConfig, AnUnknownOutcomeOfALineIsNotRepeated) {
  const auto c = read(base);
  EXPECT_EQ(c.engine.core.endpoints.at("carrier:*").on_unknown, engine::unknown_policy::fail);
  EXPECT_EQ(c.engine.core.on_unknown, engine::unknown_policy::resend);
}

TEST(GoipXmppConfig, DefaultsAndRetention) {
  const auto c = read("[xmpp]\ndomain = \"sms.example.org\"\nsecret = \"x\"\n[records]\nlog_days = 3\n");
  EXPECT_EQ(c.user_domain, "example.org");
  EXPECT_EQ(c.log_time, std::chrono::hours{72});
  EXPECT_EQ(c.engine.processor.retention, std::chrono::hours{72});
  EXPECT_TRUE(make_plan(c, {}, {}).lines.empty());
}

TEST(GoipXmppConfig, MistakesAreNamed) {
  std::string errors;
  read(
      "[xmpp]\ndomain = \"a\"\nsecret = \"x\"\n[[xmpp.users]]\njid = \"a@b\"\ncarrier = \"none\"\nallow = \"(\"\n"
      "[[xmpp.users]]\njid = \"c@b\"\n",
      &errors);
  for (const auto* words : {"carrier none is none of", "( is no regular expression", "c@b needs a carrier"})
    EXPECT_NE(errors.find(words), std::string::npos) << errors;
}
