// Inbound notifications: acknowledged when they are kept, handed out once, answered as often as they come.
#include "goip_fixture.hpp"
#include "msgkit/goip/text.hpp"

namespace msgkit::goip::test {
namespace {

using GoipInbound = goip_fixture;
const std::string sms = "RECEIVE:5;id:g1;password:pw;srcnum:+1;msg:x";

// A.9 weakness 11: an SMS was acknowledged and logged before anybody had it.
TEST_F(GoipInbound, NothingIsAcknowledgedBeforeTheCallerSaysSo) {
  EXPECT_EQ(say(sms), texts{});
  const auto e = next<sms_received>();
  ASSERT_TRUE(e);
  EXPECT_EQ(say(sms), texts{});  // repeated while the store is busy
  EXPECT_TRUE(s.acknowledge(e->token));
  EXPECT_EQ(taken(), texts{"RECEIVE 5 OK"});
  EXPECT_FALSE(s.acknowledge(e->token));
}

// A.9 weakness 3: the repetition of an SMS was not acknowledged, and the device went on repeating it.
TEST_F(GoipInbound, ARepetitionIsAcknowledgedAgainAndNotHandedOutAgain) {
  say(sms);
  s.acknowledge(next<sms_received>()->token);
  taken();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say(sms), texts{"RECEIVE 5 OK"});
  EXPECT_FALSE(s.next_event());
  EXPECT_EQ(s.counters().duplicates, 3u);
}

TEST_F(GoipInbound, WhatCouldNotBeKeptIsHandedOutAnew) {
  say(sms);
  s.abandon(next<sms_received>()->token);
  EXPECT_EQ(taken(), texts{});
  say(sms);
  const auto again = next<sms_received>();
  ASSERT_TRUE(again);
  s.acknowledge(again->token);
  EXPECT_EQ(taken(), texts{"RECEIVE 5 OK"});
}

TEST_F(GoipInbound, WhatIsNotWantedIsRefusedEveryTime) {
  say(sms);
  s.refuse(next<sms_received>()->token, "no room\nRECEIVE 6 OK");
  EXPECT_EQ(taken(), texts{"RECEIVE 5 ERROR no room RECEIVE 6 OK"});
  EXPECT_EQ(say(sms), texts{"RECEIVE 5 ERROR no room RECEIVE 6 OK"});
}

TEST_F(GoipInbound, TheSameNumberWithAnotherTextIsAnotherSms) {
  say(sms);
  const auto first = next<sms_received>();
  say("RECEIVE:5;id:g1;password:pw;srcnum:+1;msg:y");
  const auto second = next<sms_received>();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "y");
  EXPECT_NE(first->identity.fingerprint, second->identity.fingerprint);
}

TEST_F(GoipInbound, TheFingerprintIsTheSameInEveryProcess) {
  say(sms);
  EXPECT_EQ(next<sms_received>()->identity.fingerprint, 0xA0DDCBE4F91E2AE3u);
}

// A.9 weakness 4 and 5: texts were cut at ';', and a text could speak for another line.
TEST_F(GoipInbound, ATextCannotSpeakForAnotherLine) {
  say("RECEIVE:7;id:g1;password:pw;srcnum:+1;msg:a;b:c;id:g2;srcnum:112;msg:fake");
  const auto e = next<sms_received>();
  ASSERT_TRUE(e);
  EXPECT_EQ(e->line, g1);
  EXPECT_EQ(e->source, "+1");
  EXPECT_EQ(e->text, "a;b:c;id:g2;srcnum:112;msg:fake");
}

// A.9 weakness 6 and 7: operator names and texts that are not UTF-8 were lost.
TEST_F(GoipInbound, SourcesAndTextsArriveAsTheyAre) {
  say("RECEIVE:10;id:g1;password:pw;srcnum:Telia Info;msg:\xD0\x9F\xF0\x9F\x98\x80");
  const auto named = next<sms_received>();
  EXPECT_EQ(named->source, "Telia Info");
  EXPECT_EQ(named->text, "\xD0\x9F\xF0\x9F\x98\x80");
  say("RECEIVE:11;id:g1;password:pw;srcnum:+1;msg:\xFF\xFE" "A");
  EXPECT_EQ(clean_text(next<sms_received>()->text), "\xEF\xBF\xBD\xEF\xBF\xBD" "A");
}

// A.9 weakness 10: everything but RECEIVE was never acknowledged, and devices repeated it.
TEST_F(GoipInbound, EveryNotificationIsAcknowledged) {
  const auto answered = [&](std::string_view datagram) {
    auto out = say(datagram);
    while (auto e = s.next_event())
      std::visit([&](const auto& each) {
        if constexpr (requires { each.token; }) s.acknowledge(each.token);
      }, *e);
    for (auto& each : taken()) out.push_back(std::move(each));
    return out;
  };
  EXPECT_EQ(answered("DELIVER:1;id:g1;password:pw;sms_no:32;state:0;num:1"), texts{"DELIVER 1 OK"});
  EXPECT_EQ(answered("STATE:1;id:g1;password:pw;gsm_remain_state:IDLE"), texts{"STATE 1 OK"});
  EXPECT_EQ(answered("RECORD:1;id:g1;password:pw;dir:1;num:1"), texts{"RECORD 1 OK"});
  EXPECT_EQ(answered("HANGUP:1;id:g1;password:pw;num:1,cause:x"), texts{"HANGUP 1 OK"});
  EXPECT_EQ(answered("EXPIRY:1;id:g1;password:pw;exp:1"), texts{"EXPIRY 1 OK"});
  EXPECT_EQ(answered("REMAIN:1;id:g1;password:pw;gsm_remain_time:1"), texts{"REMAIN 1 OK"});
  EXPECT_EQ(answered("USSN:1;id:g1;password:pw;msg:x"), texts{"USSN 1 OK"});
}

// A.9 weakness 12: one bad value in a keepalive lost the others.
TEST_F(GoipInbound, ABadValueCostsOnlyItself) {
  EXPECT_EQ(say("req:5;id:g1;pass:pw;signal:abc;gsm_status:LOGIN;"), texts{"reg:5;status:200;"});
  EXPECT_EQ(s.status(g1)->gsm_status, "LOGIN");
}

TEST_F(GoipInbound, CallsAreReportedWithDirectionAndCause) {
  say("RECORD:1;id:g1;password:pw;dir:1;num:+3725");
  auto e = next<call_event>();
  EXPECT_EQ(e->phase, call_phase::started);
  EXPECT_EQ(e->inbound, true);
  EXPECT_EQ(e->remote, "+3725");
  say("HANGUP:2;id:g1;password:pw;num:+3725,cause:Normal call clearing");
  e = next<call_event>();
  EXPECT_EQ(e->phase, call_phase::ended);
  EXPECT_EQ(e->cause, "Normal call clearing");
  say("EXPIRY:3;id:g1;password:pw;exp:7");
  e = next<call_event>();
  EXPECT_EQ(e->phase, call_phase::measured);
  EXPECT_EQ(e->length, 7);
}

TEST_F(GoipInbound, StateIsKeptAndReported) {
  say("STATE:1;id:g1;password:pw;gsm_remain_state:INCOMING:+3725");
  EXPECT_EQ(s.status(g1)->call_state, "INCOMING:+3725");
  EXPECT_EQ(next<notification_received>()->value, "INCOMING:+3725");
  say("REMAIN:1;id:g1;password:pw;gsm_remain_time:-1");
  EXPECT_EQ(next<notification_received>()->value, "-1");
  say("FOOBAR:1;id:g1;password:pw;x:y;z:1");
  const auto e = next<notification_received>();
  EXPECT_EQ(e->verb, "FOOBAR");
  EXPECT_EQ(e->value, "x:y;z:1;");
  EXPECT_EQ(s.counters().unknown_verbs, 1u);
}

TEST_F(GoipInbound, AReportWithoutItsNumberIsAcknowledgedAndLeftOut) {
  EXPECT_EQ(say("DELIVER:3;id:g1;password:pw;sms_no:abc;state:0;num:1"), texts{"DELIVER 3 OK"});
  EXPECT_FALSE(s.next_event());
  EXPECT_EQ(s.counters().anomalies, 1u);
}

struct SmallMemory : goip_fixture {
  SmallMemory() : goip_fixture({.dedupe_max = 4, .open_tokens_max = 2, .events_max = 3}) {}
  std::string numbered(int n) { return "RECEIVE:" + std::to_string(n) + ";id:g1;password:pw;srcnum:+1;msg:x"; }
};
TEST_F(SmallMemory, BeyondTheOpenTokensSmsAreLeftInTheDevice) {
  for (int n = 1; n <= 5; ++n) say(numbered(n));
  EXPECT_EQ(s.counters().deferred, 3u);
  const auto first = next<sms_received>();
  ASSERT_TRUE(next<sms_received>());
  EXPECT_FALSE(next<sms_received>());
  s.acknowledge(first->token);
  say(numbered(3));
  EXPECT_TRUE(next<sms_received>());
}
TEST_F(SmallMemory, AnApplicationThatTakesNoEventsIsNotDrownedInThem) {
  for (int n = 1; n <= 20; ++n)
    say("USSN:" + std::to_string(n) + ";id:g" + (n % 2 == 0 ? "1;password:pw" : "2;password:pw2") + ";msg:x");
  EXPECT_EQ(count_of<ussd_received>(), 3u);
}
TEST_F(SmallMemory, TheOldestAnsweredOneIsForgottenFirst) {
  for (int n = 1; n <= 5; ++n) {
    say(numbered(n));
    s.acknowledge(next<sms_received>()->token);
  }
  taken();
  EXPECT_EQ(say(numbered(5)), texts{"RECEIVE 5 OK"});
  EXPECT_FALSE(s.next_event());
  say(numbered(1));
  EXPECT_TRUE(next<sms_received>());
}

TEST_F(GoipInbound, AfterTheWindowTheNumberMayComeAgain) {
  say(sms);
  s.acknowledge(next<sms_received>()->token);
  wait(601s);
  say("RECEIVE:6;id:g1;password:pw;srcnum:+1;msg:other");
  clear_events();
  say(sms);
  EXPECT_TRUE(next<sms_received>());
}

TEST_F(GoipInbound, ATokenOfALineThatIsGoneIsHarmless) {
  say(sms);
  const auto e = next<sms_received>();
  ASSERT_TRUE(s.remove_line(g1));
  EXPECT_FALSE(s.acknowledge(e->token));
  EXPECT_FALSE(s.abandon(e->token));
  EXPECT_EQ(taken(), texts{});
}

}  // namespace
}  // namespace msgkit::goip::test
