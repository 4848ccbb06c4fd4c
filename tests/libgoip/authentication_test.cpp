// Every datagram is authenticated, whatever it is, and failing teaches nothing and costs little.
#include "goip_fixture.hpp"

namespace msgkit::goip::test {
namespace {

using GoipAuthentication = goip_fixture;

// A.9 weakness 1: a RECEIVE with a wrong password was accepted and delivered.
TEST_F(GoipAuthentication, ANotificationWithAWrongPasswordIsNeitherAnsweredNorHandedOut) {
  keepalive();
  clear_events();
  for (const auto* verb : {"RECEIVE", "DELIVER", "USSN", "RECORD", "HANGUP", "EXPIRY", "STATE", "REMAIN", "FOOBAR", "AT"}) {
    const auto datagram = std::string(verb) + ":5;id:g1;password:BAD;srcnum:1;sms_no:1;state:0;dir:1;num:1;msg:x";
    EXPECT_EQ(say(datagram), texts{}) << verb;
  }
  EXPECT_EQ(s.counters().wrong_password, 10u);
  while (const auto e = s.next_event()) EXPECT_TRUE(std::holds_alternative<authentication_failed>(*e));
}

// A.9 weakness 2: an SMS for an unknown id was acknowledged and lost.
TEST_F(GoipAuthentication, AnSmsForAnUnknownLineIsNotAcknowledged) {
  EXPECT_EQ(say("RECEIVE:5;id:nobody;password:pw;srcnum:1;msg:x"), texts{});
  const auto e = next<authentication_failed>();
  ASSERT_TRUE(e);
  EXPECT_EQ(e->why, auth_failure::unknown_line);
  EXPECT_EQ(e->id, "nobody");
  EXPECT_EQ(s.counters().unknown_line, 1u);
}

TEST_F(GoipAuthentication, AWrongPasswordLeavesTheLineAsItWas) {
  keepalive();
  clear_events();
  EXPECT_EQ(say("req:2;id:g1;pass:BAD;num:+1;signal:1;gsm_status:LOGOUT;", elsewhere), texts{"reg:2;status:404;"});
  EXPECT_EQ(s.status(g1)->endpoint, home);
  EXPECT_EQ(s.status(g1)->state, line_state::online);
  EXPECT_EQ(s.status(g1)->msisdn, "+37250001");
}

TEST_F(GoipAuthentication, UnknownIdsAreNotAnsweredUnlessAskedFor) {
  EXPECT_EQ(say("req:2;id:nobody;pass:BAD;num:;signal:1;"), texts{});
}

struct TalkativeServer : goip_fixture {
  TalkativeServer() : goip_fixture({.failure_status = 403, .answer_failures = failure_reply::everybody}) {}
};
TEST_F(TalkativeServer, AnswersEverybodyWithTheConfiguredStatus) {
  EXPECT_EQ(say("req:2;id:nobody;pass:BAD;num:;signal:1;"), texts{"reg:2;status:403;"});
  EXPECT_EQ(say("req:2;id:g1;pass:BAD;num:;signal:1;"), texts{"reg:2;status:403;"});
}
TEST_F(TalkativeServer, NeverAnswersAFailureWithMoreThanItGot) {
  EXPECT_EQ(say("req:2;id:x;"), texts{});  // 11 octets in, 17 would be out
}

struct SilentServer : goip_fixture {
  SilentServer() : goip_fixture({.answer_failures = failure_reply::nobody}) {}
};
TEST_F(SilentServer, GivesNoOracle) { EXPECT_EQ(say("req:2;id:g1;pass:BAD;num:;signal:1;"), texts{}); }

TEST_F(GoipAuthentication, ADisabledLineIsNotServed) {
  ASSERT_TRUE(s.update_line(g1, {.id = "g1", .password = "pw", .enabled = false}));
  EXPECT_EQ(say("RECEIVE:5;id:g1;password:pw;srcnum:1;msg:x"), texts{});
  EXPECT_EQ(next<authentication_failed>()->why, auth_failure::disabled);
  EXPECT_EQ(s.send_sms(g1, "+1", "x", 1, now).error().code, errc::line_disabled);
}

TEST_F(GoipAuthentication, ALineMayBePinnedToItsSources) {
  ASSERT_TRUE(s.update_line(g1, {.id = "g1", .password = "pw", .source_allowed = [](const endpoint& e) {
    return e.address == home.address;
  }}));
  EXPECT_EQ(say("req:1;id:g1;pass:pw;num:1;signal:1;", far_away), texts{"reg:1;status:404;"});
  EXPECT_EQ(next<authentication_failed>()->why, auth_failure::source_refused);
  EXPECT_EQ(say("req:1;id:g1;pass:pw;", home), texts{"reg:1;status:200;"});
}

TEST_F(GoipAuthentication, ASourceThatKeepsFailingIsNotHeardForAMinute) {
  keepalive();
  for (int i = 0; i < 50; ++i) say("req:2;id:g2;pass:BAD;num:;signal:1;", elsewhere);
  EXPECT_EQ(s.counters().wrong_password, 20u);
  EXPECT_EQ(s.counters().rate_limited, 30u);
  EXPECT_EQ(count_of<authentication_failed>(), 20u);
  EXPECT_EQ(say("req:3;id:g2;pass:pw2;", elsewhere), texts{});  // guessing does not help
  now += 60s;
  EXPECT_EQ(say("req:4;id:g2;pass:pw2;", elsewhere), texts{"reg:4;status:200;"});
}

// Forged source addresses must not lock out the line that lives there.
TEST_F(GoipAuthentication, ARegisteredEndpointIsHeardWhateverItsAddressDid) {
  keepalive();
  for (int i = 0; i < 50; ++i) say("req:2;id:g1;pass:BAD;num:;signal:1;", elsewhere);
  EXPECT_EQ(say("RECEIVE:5;id:g1;password:pw;srcnum:1;msg:x", elsewhere), texts{});
  say("RECEIVE:5;id:g1;password:pw;srcnum:1;msg:x", home);
  EXPECT_EQ(next<sms_received>()->text, "x");
}

TEST_F(GoipAuthentication, AMillionForgedAddressesTakeNoMemory) {
  for (std::uint32_t i = 0; i < 20'000; ++i)
    say("req:2;id:nobody;pass:BAD;", endpoint::ipv4(10, static_cast<std::uint8_t>(i >> 16),
                                                    static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 9));
  EXPECT_EQ(s.counters().unknown_line, 20'000u);
  clear_events();
  EXPECT_EQ(say("req:1;id:g1;pass:pw;"), texts{"reg:1;status:200;"});
}

}  // namespace
}  // namespace msgkit::goip::test
