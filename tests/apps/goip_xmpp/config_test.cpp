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

// Where a message of the account goes.
std::string route_of(const bridge_plan& plan, std::string_view account, std::string_view source = "3725551234") {
  const engine::route_table table(plan.routes);
  const auto found = table.choose("4712345678", source, account, 1);
  return found.empty() ? std::string{} : std::string(found.endpoints().front());
}

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
  EXPECT_EQ(plan.routes.size(), 4u);  // two users, both ways
}

TEST(GoipXmppConfig, EveryUserOfALineGetsACopy) {
  const auto plan = make_plan(read(base), {}, {});
  EXPECT_EQ(plan.receivers_of_line.at("g2"), (std::vector<std::string>{"alice@example.org", "bob@example.org"}));
  for (const auto& l : plan.lines) {
    EXPECT_EQ(l.copies, (std::vector<std::string>{"carrier:both for bob@example.org"}));
    EXPECT_TRUE(l.sent_is_delivered);
  }
  EXPECT_EQ(route_of(plan, "carrier:both"), "client:alice@example.org");
  EXPECT_EQ(route_of(plan, "carrier:both for bob@example.org"), "client:bob@example.org");
}

TEST(GoipXmppConfig, AUserMayLeaveWhatArrivesToOthers) {
  auto text = std::string(base);
  text.replace(text.find("[[xmpp.users]]"), 14, "[[xmpp.users]]\nreceives = false");
  const auto plan = make_plan(read(text), {}, {});
  EXPECT_EQ(plan.receivers_of_line.at("g1"), (std::vector<std::string>{"bob@example.org"}));
  EXPECT_TRUE(plan.lines[0].copies.empty());
  EXPECT_EQ(route_of(plan, "carrier:both"), "client:bob@example.org");
}

TEST(GoipXmppConfig, AUserOfSeveralLinesAnswersAsTheNumberThatWasWrittenTo) {
  const auto plan = make_plan(read(std::string(base) + R"(more_carriers = ["own", "both"]
[[goip.lines]]
id = "g3"
password = "pw"
number = "+3725550003"
carrier = "own"
)"),
                              {}, {});
  const auto& bob = plan.users[1];
  EXPECT_EQ(bob.numbers, (std::vector<std::string>{"+3725550001", "+3725550003"}));
  EXPECT_EQ(plan.lines_of_user.at("bob@example.org"), (std::vector<std::string>{"g1", "g2", "g3"}));
  EXPECT_EQ(route_of(plan, "client:bob@example.org", "3725550003"), "carrier:own");
  EXPECT_EQ(route_of(plan, "client:bob@example.org", "3725550009"), "carrier:both");
  EXPECT_EQ(route_of(plan, "carrier:own"), "client:bob@example.org");
}

TEST(GoipXmppConfig, TheFallbackGetsWhatHasNoUser) {
  const auto c = read(R"(
[xmpp]
domain = "sms.example.org"
secret = "x"
fallback = "Operator@example.org"
[[goip.lines]]
id = "g1"
password = "pw"
)");
  EXPECT_EQ(c.xmpp.options.returned_account, returned_account);
  const auto plan = make_plan(c, {}, {});
  EXPECT_EQ(route_of(plan, "carrier:g1"), "client:operator@example.org");
  EXPECT_EQ(route_of(plan, returned_account), "client:operator@example.org");
  EXPECT_EQ(route_of(plan, "client:operator@example.org"), "");  // he is no user
  std::string errors;
  read("[xmpp]\ndomain = \"a\"\nsecret = \"x\"\nfallback = \"example.org\"\n", &errors);
  EXPECT_NE(errors.find("example.org is no bare address"), std::string::npos) << errors;
}

TEST(GoipXmppConfig, StoredLinesComeBesideThoseOfTheFile) {
  const auto c = read(base);
  const stored_line good{
      .extension = "2001", .id = "goippy_2001", .password = "p", .number = {}, .jid = "2001@example.org"};
  auto second = good, broken = good, taken = good;
  second.id = "other", second.allow = "^.372", second.number = "+3725550002";
  broken.id = "third", broken.jid = "c@d", broken.allow = "(";
  taken.id = "g1", taken.jid = "e@f";
  const auto plan = make_plan(c, {good, second, broken, taken}, {"g2"});
  EXPECT_EQ(plan.lines.size(), 4u);
  EXPECT_EQ(plan.users.back().number, "goippy_2001");
  EXPECT_EQ(plan.lines_of_user.at("2001@example.org"), (std::vector<std::string>{"goippy_2001", "other"}));
  EXPECT_FALSE(plan.users.back().may_send_to("+999")) << "the pattern of one line holds for all";
  EXPECT_EQ(plan.problems.size(), 2u);
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
