// The bulk session of B.6 from the server's side, and the single-shot way. Dialogues are checked octet by octet.
#include "goip_fixture.hpp"
#include "msgkit/goip/text.hpp"

namespace msgkit::goip::test {
namespace {

struct GoipSms : goip_fixture {
  explicit GoipSms(session_options o = {}) : goip_fixture(o) {
    keepalive();
    clear_events();
  }
  // Queues an SMS and returns the number of the session that MSG has opened.
  std::string begin(std::string_view text = "hello", std::uint64_t cookie = 42) {
    EXPECT_TRUE(s.send_sms(g1, "+8613800138000", text, cookie, now));
    const auto out = taken();
    if (out.empty()) return {};
    const auto at = out[0].find(' ') + 1;
    return out[0].substr(at, out[0].find(' ', at) - at);
  }
  // ... and goes on until the recipient is named.
  std::string begin_sending() {
    const auto id = begin();
    say("PASSWORD " + id + "\n");
    say("SEND " + id + "\n");
    return id;
  }
  sms_done outcome() {
    auto done = next<sms_done>();
    EXPECT_TRUE(done) << "no outcome";
    EXPECT_FALSE(next<sms_done>()) << "two outcomes";
    return done ? *done : sms_done{};
  }
};

TEST_F(GoipSms, GoesThroughTheSession) {  // vector 50
  const auto id = begin("hello");
  s.clear_output();
  EXPECT_EQ(say("PASSWORD " + id + "\n"), texts{"PASSWORD " + id + " pw\n"});
  EXPECT_EQ(say("SEND " + id + "\n"), texts{"SEND " + id + " 1 +8613800138000\n"});
  EXPECT_EQ(say("WAIT " + id + " 1\n"), texts{});
  EXPECT_EQ(say("OK " + id + " 1 32\n"), texts{"DONE " + id + "\n"});
  EXPECT_EQ(say("DONE " + id + "\n"), texts{});
  const auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::sent);
  EXPECT_EQ(done.sms_no, 32u);
  EXPECT_EQ(done.cookie, 42u);
  EXPECT_FALSE(done.reason);
}

TEST_F(GoipSms, TheLengthCountsOctetsAndTheTextMayHoldLineFeeds) {  // vector 52
  ASSERT_TRUE(s.send_sms(g1, "+1", "a\n\xD0\x9F", 1, now));
  const auto out = taken().at(0);
  EXPECT_TRUE(out.starts_with("MSG "));
  EXPECT_TRUE(out.ends_with(" 4 a\n\xD0\x9F\n")) << out;
}

TEST_F(GoipSms, OldFirmwareGivesNoNumberForTheReport) {  // vector 53
  for (const auto* end : {" 1\n", " 1 \n", " 1"}) {
    const auto id = begin_sending();
    say("OK " + id + end);
    say("DONE " + id + "\n");
    const auto done = outcome();
    EXPECT_EQ(done.outcome, sms_outcome::sent);
    EXPECT_EQ(done.sms_no, std::nullopt);
    wait(3s);
  }
}

TEST_F(GoipSms, AnErrorStatusHasItsClass) {  // vector 55
  auto id = begin_sending();
  say("ERROR " + id + " 1 errorstatus:38\n");
  auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::failed);
  EXPECT_EQ(done.status, 38);
  EXPECT_EQ(done.kind, failure_class::temporary);
  EXPECT_EQ(done.words, "1 errorstatus:38");
  say("DONE " + id);
  wait(3s);
  id = begin_sending();
  say("ERROR " + id + " 1 errorstatus:28\n");
  EXPECT_EQ(outcome().kind, failure_class::permanent);
}

TEST_F(GoipSms, ALineThatIsNotOnTheNetworkRests) {  // vector 56
  const auto id = begin_sending();
  say("ERROR " + id + " GSM_LOGOUT\n");
  const auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::failed);
  EXPECT_EQ(done.kind, failure_class::temporary);
  say("DONE " + id);
  begin("next");
  EXPECT_EQ(wait(50s), texts{});
  keepalive();
  EXPECT_EQ(wait(49s), texts{});
  EXPECT_EQ(wait(1s).size(), 1u);
}

TEST_F(GoipSms, AWrongPasswordIsPermanent) {
  const auto id = begin();
  say("PASSWORD " + id);
  EXPECT_EQ(say("ERROR " + id + " PASSWORD\n"), texts{"DONE " + id + "\n"});
  EXPECT_EQ(outcome().kind, failure_class::permanent);
}

TEST_F(GoipSms, ADeviceThatIsSilentAfterMsgHasSentNothing) {  // vector 58
  begin();
  EXPECT_EQ(wait(1999ms), texts{});
  EXPECT_EQ(wait(1ms).size(), 1u);
  EXPECT_EQ(wait(4s).size(), 1u);
  EXPECT_EQ(wait(7999ms), texts{});
  EXPECT_EQ(wait(1ms), texts{});
  const auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::failed);
  EXPECT_EQ(done.kind, failure_class::temporary);
  EXPECT_EQ(done.reason, errc::no_answer);
}

TEST_F(GoipSms, ADeviceThatIsSilentAfterSendLeavesTheOutcomeUnknown) {  // vector 59
  const auto id = begin_sending();
  const texts again{"SEND " + id + " 1 +8613800138000\n"};
  EXPECT_EQ(wait(4999ms), texts{});
  EXPECT_EQ(wait(1ms), again);
  EXPECT_EQ(wait(10s), again);
  EXPECT_EQ(wait(10s), again);
  EXPECT_EQ(wait(34s), texts{});
  EXPECT_FALSE(next<sms_done>());
  EXPECT_EQ(wait(1s), texts{"DONE " + id + "\n"});
  const auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::unknown);
  EXPECT_EQ(done.reason, errc::outcome_unknown);
}

TEST_F(GoipSms, AWaitingDeviceIsAskedEveryTenSeconds) {
  const auto id = begin_sending();
  say("WAIT " + id + " 1\n");
  EXPECT_EQ(wait(9999ms), texts{});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(wait(i == 0 ? 1ms : 10s), texts{"SEND " + id + " 1 +8613800138000\n"});
    say("WAIT " + id + " 1\n");
  }
  EXPECT_EQ(wait(20s), texts{});
  say("OK " + id + " 1 9\n");
  EXPECT_EQ(outcome().outcome, sms_outcome::sent);
}

struct NoRepetition : GoipSms {
  NoRepetition() : GoipSms({.send_repeats_max = 0}) {}
};
TEST_F(NoRepetition, SendIsSaidOnceWhenDevicesSendTwice) {
  begin_sending();
  EXPECT_EQ(wait(59s), texts{});
}

TEST_F(GoipSms, OtherPeoplesAnswersAreIgnored) {  // vector 61
  const auto id = begin_sending();
  say("OK " + id + " 2 9\n");
  say("OK 12 1 9\n");
  say("OK " + id + " 1 9\n", elsewhere);
  say("ERROR " + id + " 2 errorstatus:38\n");
  EXPECT_FALSE(next<sms_done>());
  EXPECT_EQ(s.counters().unmatched_replies, 4u);
}

TEST_F(GoipSms, WhatCannotBeSentIsRefusedBeforeAnyDatagram) {  // vector 62
  const auto error = [&](std::string_view to, std::string_view text) {
    return s.send_sms(g1, to, text, 1, now).error().code;
  };
  EXPECT_EQ(error("+1", std::string(3001, 'x')), errc::text_too_long);
  EXPECT_EQ(error("+1", "\xFF"), errc::invalid_utf8);
  EXPECT_EQ(error("+1 2", "x"), errc::invalid_destination);
  EXPECT_EQ(error("", "x"), errc::invalid_destination);
  EXPECT_EQ(taken(), texts{});
}

TEST_F(GoipSms, AnExpiredSessionIsOpenedAgainOnce) {
  auto id = begin();
  auto out = say("ERROR " + id + " SENDID\n");
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].starts_with("MSG "));
  EXPECT_FALSE(out[0].starts_with("MSG " + id + " "));
  id = out[0].substr(4, out[0].find(' ', 4) - 4);
  say("ERROR " + id + " SENDID\n");
  EXPECT_EQ(outcome().outcome, sms_outcome::failed);
}

TEST_F(GoipSms, ASessionForgottenWhileSendingIsUnknown) {
  const auto id = begin_sending();
  say("WAIT " + id + " 1\n");
  say("ERROR " + id + " SENDID\n");
  EXPECT_EQ(outcome().outcome, sms_outcome::unknown);
}

TEST_F(GoipSms, ADeviceThatIsFullIsATemporaryFailure) {
  const auto id = begin();
  say("ERROR " + id + " too many sessions\n");
  const auto done = outcome();
  EXPECT_EQ(done.outcome, sms_outcome::failed);
  EXPECT_EQ(done.words, "too many sessions");
}

TEST_F(GoipSms, DoneIsSaidTwiceAtMost) {
  const auto id = begin_sending();
  EXPECT_EQ(say("OK " + id + " 1 1\n"), texts{"DONE " + id + "\n"});
  EXPECT_EQ(wait(2s), texts{"DONE " + id + "\n"});
  EXPECT_EQ(wait(2s), texts{});
  EXPECT_EQ(wait(2s), texts{});
}

TEST_F(GoipSms, OneAtATimeWithAPauseBetween) {
  const auto id = begin_sending();
  EXPECT_EQ(begin("second", 43), "");
  EXPECT_EQ(s.pending_sms(g1), 2u);
  say("OK " + id + " 1 1\n");
  say("DONE " + id + "\n");
  EXPECT_EQ(wait(2999ms), texts{});
  const auto out = wait(1ms);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].ends_with(" 6 second\n"));
}

TEST_F(GoipSms, EveryConversationHasANumberOfItsOwn) {
  keepalive("g2", "pw2", elsewhere);
  const auto first = begin();
  ASSERT_TRUE(s.send_sms(g2, "+1", "x", 1, now));
  const auto second = taken().at(0);
  EXPECT_FALSE(second.starts_with("MSG " + first + " "));
}

TEST_F(GoipSms, WaitsForALineThatIsAwayAndIsGivenBackInTime) {
  wait(95s);
  EXPECT_EQ(begin("late"), "");
  keepalive();
  EXPECT_EQ(s.pending_sms(g1), 1u);
  EXPECT_FALSE(next<sms_done>());
  while (s.pending_sms(g1) > 0) wait(5s);
  EXPECT_EQ(outcome().reason, errc::no_answer);  // it was begun, and the device fell silent

  begin("too late", 44);
  wait(3599s);
  EXPECT_FALSE(next<sms_done>());
  wait(1s);
  EXPECT_EQ(outcome().outcome, sms_outcome::expired);
}

TEST_F(GoipSms, TheQueueHasALimit) {
  ASSERT_TRUE(s.update_line(g1, {.id = "g1", .password = "pw", .queue_max = 2}));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(s.send_sms(g1, "+1", "x", 1, now)) << i;
  EXPECT_EQ(s.send_sms(g1, "+1", "x", 1, now).error().code, errc::queue_full);
}

TEST_F(GoipSms, AWaitingSmsCanBeWithdrawn) {
  begin("first", 1);
  begin("second", 2);
  EXPECT_FALSE(s.cancel_sms(g1, 1));
  EXPECT_TRUE(s.cancel_sms(g1, 2));
  EXPECT_EQ(outcome().reason, errc::canceled);
}

TEST_F(GoipSms, SingleModeIsOneDatagramAndNeverRepeated) {
  ASSERT_TRUE(s.update_line(g1, {.id = "g1", .password = "pw", .mode = send_mode::single}));
  ASSERT_TRUE(s.send_sms(g1, "+1", "a b", 7, now));
  const auto out = taken().at(0);
  const auto id = out.substr(4, out.find(' ', 4) - 4);
  EXPECT_EQ(out, "SMS " + id + " 1 pw +1 a b");
  EXPECT_EQ(wait(59s), texts{});
  EXPECT_EQ(say("OK " + id + " 1 5\n"), texts{});
  EXPECT_EQ(outcome().sms_no, 5u);
}

TEST_F(GoipSms, SingleModeWithoutAnAnswerIsUnknown) {
  ASSERT_TRUE(s.update_line(g1, {.id = "g1", .password = "pw", .mode = send_mode::single}));
  ASSERT_TRUE(s.send_sms(g1, "+1", "x", 7, now));
  wait(60s);
  EXPECT_EQ(outcome().outcome, sms_outcome::unknown);
}

TEST_F(GoipSms, AReportFindsItsSms) {
  const auto id = begin_sending();
  say("OK " + id + " 1 32\n");
  clear_events();
  say("DELIVER:9;id:g1;password:pw;sms_no:32;state:0;num:+8613800138000");
  const auto report = next<report_received>();
  EXPECT_EQ(report->cookie, 42u);
  EXPECT_EQ(report->state, delivery_state::delivered);
  say("DELIVER:10;id:g1;password:pw;sms_no:33;state:70");
  EXPECT_EQ(next<report_received>()->cookie, std::nullopt);
}

TEST_F(GoipSms, AReportThatOvertakesItsOkWaitsForIt) {
  const auto id = begin_sending();
  say("DELIVER:9;id:g1;password:pw;sms_no:32;state:0");
  EXPECT_FALSE(s.next_event());
  say("OK " + id + " 1 32\n");
  const auto first = s.next_event();
  ASSERT_TRUE(first && std::holds_alternative<sms_done>(*first));
  EXPECT_EQ(next<report_received>()->cookie, 42u);
}

TEST_F(GoipSms, AReportOfSomethingElseWaitsTenSecondsAtMost) {
  begin_sending();
  say("DELIVER:9;id:g1;password:pw;sms_no:32;state:0");
  wait(10s);
  EXPECT_EQ(next<report_received>()->cookie, std::nullopt);
}

TEST_F(GoipSms, TheNewestSmsOfANumberIsMeant) {
  for (const std::uint64_t cookie : {1, 2}) {
    const auto id = begin("x", cookie);
    say("PASSWORD " + id);
    say("SEND " + id);
    say("OK " + id + " 1 32");
    say("DONE " + id);
    wait(3s);
  }
  clear_events();
  say("DELIVER:9;id:g1;password:pw;sms_no:32;state:0");
  EXPECT_EQ(next<report_received>()->cookie, 2u);
}

TEST_F(GoipSms, DrainingEndsWhatHasNotBegunAndLetsTheRestEnd) {
  const auto id = begin_sending();
  begin("second", 43);
  s.drain(now);
  EXPECT_EQ(outcome().cookie, 43u);
  EXPECT_FALSE(s.is_idle());
  EXPECT_EQ(s.send_sms(g1, "+1", "x", 1, now).error().code, errc::draining);
  say("OK " + id + " 1 1\n");
  EXPECT_EQ(outcome().outcome, sms_outcome::sent);
  EXPECT_TRUE(s.is_idle());
}

TEST_F(GoipSms, RemovingALineEndsAllThatItHad) {
  const auto id = begin_sending();
  begin("second", 43);
  ASSERT_TRUE(s.remove_line(g1));
  auto done = next<sms_done>();
  EXPECT_EQ(done->cookie, 43u);
  EXPECT_EQ(done->reason, errc::canceled);
  done = next<sms_done>();
  EXPECT_EQ(done->cookie, 42u);
  EXPECT_EQ(done->outcome, sms_outcome::unknown);
  taken();
  say("OK " + id + " 1 1\n");
  wait(10s);
  EXPECT_FALSE(s.next_event());
  EXPECT_TRUE(s.is_idle());
}

}  // namespace
}  // namespace msgkit::goip::test
