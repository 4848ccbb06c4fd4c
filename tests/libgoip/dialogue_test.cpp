// USSD and control commands.
#include "goip_fixture.hpp"

namespace msgkit::goip::test {
namespace {

struct GoipDialogue : goip_fixture {
  GoipDialogue() {
    keepalive();
    clear_events();
  }
  // The number of the conversation that the one datagram taken has begun.
  std::string begun() {
    const auto out = taken();
    if (out.size() != 1) return "none";
    last = out[0];
    const auto at = last.find(' ') + 1;
    return last.substr(at, last.find(' ', at) - at);
  }
  std::string ask(std::string_view code = "*100#", ussd_options o = {}) {
    EXPECT_TRUE(s.send_ussd(g1, code, now, o));
    return begun();
  }
  std::string order(command what, std::vector<std::string_view> arguments = {}) {
    EXPECT_TRUE(s.send_command(g1, what, arguments, 5, now));
    return begun();
  }
  std::string last;
};

TEST_F(GoipDialogue, UssdIsAskedAndAnswered) {  // vector 64
  const auto id = ask("*100#", {.cookie = 9});
  EXPECT_EQ(last, "USSD " + id + " pw *100#");
  EXPECT_EQ(say("USSD " + id + " Your balance\nis 5"), texts{"DONE " + id + "\n"});
  const auto done = next<ussd_done>();
  EXPECT_EQ(done->text, "Your balance\nis 5");
  EXPECT_EQ(done->cookie, 9u);
  EXPECT_FALSE(done->error);
}

TEST_F(GoipDialogue, ARepeatedAnswerGetsAnotherDoneAndNothingElse) {
  const auto id = ask();
  say("USSD " + id + " text");
  clear_events();
  EXPECT_EQ(say("USSD " + id + " text"), texts{"DONE " + id + "\n"});
  EXPECT_FALSE(s.next_event());
  wait(10s);
  EXPECT_EQ(say("USSD " + id + " text"), texts{});
}

TEST_F(GoipDialogue, AMenuIsAnsweredWithAnotherUssd) {
  auto id = ask();
  say("USSD " + id + " 1 balance\n2 offers");
  id = ask("2", {.is_choice = true});
  EXPECT_EQ(last, "USSD " + id + " pw 2");
  say("USSD " + id + " none");
  id = ask("my choice", {.is_choice = true});
  EXPECT_EQ(last, "USSD " + id + " pw my choice");
  say("USSDEXIT " + id);
  clear_events();
  EXPECT_TRUE(s.exit_ussd(g1, now, 3));
  id = begun();
  EXPECT_EQ(last, "USSDEXIT " + id + " pw");
  say("USSDEXIT " + id);
  const auto done = next<ussd_done>();
  EXPECT_EQ(done->cookie, 3u);
  EXPECT_TRUE(done->closed);
}

TEST_F(GoipDialogue, UssdErrorsAreErrorsAndTheEndIsTheEnd) {  // vector 65
  auto id = ask();
  say("USSDERROR " + id + " timeout");
  auto done = next<ussd_done>();
  EXPECT_EQ(done->error, errc::refused);
  EXPECT_EQ(done->text, "timeout");
  id = ask();
  say("USSD " + id + " USSD send failed!");
  EXPECT_EQ(next<ussd_done>()->error, errc::refused);
  id = ask();
  say("USSDEXIT " + id);
  done = next<ussd_done>();
  EXPECT_FALSE(done->error);
  EXPECT_TRUE(done->closed);
}

TEST_F(GoipDialogue, UssdIsRepeatedOnceAndGivenUp) {
  ask();
  EXPECT_EQ(wait(59s), texts{});
  keepalive();
  EXPECT_EQ(wait(1s), texts{last});
  keepalive();
  EXPECT_EQ(wait(59s), texts{});
  EXPECT_EQ(wait(1s), texts{});
  EXPECT_EQ(next<ussd_done>()->error, errc::no_answer);
}

TEST_F(GoipDialogue, OneDialogueAtATimeUnlessItIsBrokenOff) {
  ask();
  EXPECT_EQ(s.send_ussd(g1, "*1#", now).error().code, errc::busy);
  EXPECT_TRUE(s.exit_ussd(g1, now));
  EXPECT_EQ(next<ussd_done>()->error, errc::canceled);
}

TEST_F(GoipDialogue, UssdCodesCannotShiftFields) {
  EXPECT_EQ(s.send_ussd(g1, "*100# x", now).error().code, errc::invalid_ussd_code);
  EXPECT_EQ(s.send_ussd(g1, "a\nb", now, {.is_choice = true}).error().code, errc::invalid_ussd_code);
  EXPECT_EQ(taken(), texts{});
}

TEST_F(GoipDialogue, CommandsGetTheirValueOrTheirError) {  // vector 67
  auto id = order(command::get_gsm_num);
  EXPECT_EQ(last, "get_gsm_num " + id + " pw");
  say("get_gsm_num " + id + " 13800138000");
  auto done = next<command_done>();
  EXPECT_EQ(done->value, "13800138000");
  EXPECT_FALSE(done->error);
  id = order(command::get_gsm_num);
  say("ERROR " + id + " bad");
  done = next<command_done>();
  EXPECT_EQ(done->error, errc::refused);
  EXPECT_EQ(done->value, "bad");
}

TEST_F(GoipDialogue, ACallForwardIsClosedWithDone) {  // vector 68
  auto id = order(command::call_forward, {"2", "3", "+372555", "20"});
  EXPECT_EQ(last, "CF " + id + " pw 2 3 +372555 20");
  EXPECT_EQ(say("CFOK " + id), texts{"DONE " + id + "\n"});
  EXPECT_EQ(next<command_done>()->verb, "CFOK");
  id = order(command::call_forward, {"2", "2", "+372555", "20"});
  say("CFERROR " + id + " x");
  EXPECT_EQ(next<command_done>()->error, errc::refused);
}

TEST_F(GoipDialogue, TheGsmBlockAnswersOnlyWhoAsked) {
  EXPECT_EQ(say("GSM:1;get_gsm_num:(null);get_gsm_state:IDLE"), texts{});
  EXPECT_EQ(s.counters().unmatched_replies, 1u);
  const auto id = order(command::gsm_info);
  say("GSM:" + id + ";get_gsm_num:138;get_gsm_state:IDLE");
  EXPECT_EQ(next<command_done>()->value, "get_gsm_num:138;get_gsm_state:IDLE");
}

TEST_F(GoipDialogue, CommandsAreRepeatedWithTheSameNumber) {
  order(command::get_imei);
  EXPECT_EQ(wait(5s), texts{last});
  EXPECT_EQ(wait(5s), texts{last});
  EXPECT_EQ(wait(5s), texts{});
  EXPECT_EQ(next<command_done>()->error, errc::no_answer);
}

TEST_F(GoipDialogue, CommandsUnderWayHaveALimit) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(s.send_command(g1, command::get_imei, {}, 5, now));
  EXPECT_EQ(s.send_command(g1, command::get_imei, {}, 5, now).error().code, errc::busy);
  s.drain(now);
  EXPECT_EQ(count_of<command_done>(), 8u);
}

TEST_F(GoipDialogue, ArgumentsAreCheckedBeforeAnythingIsSent) {
  EXPECT_EQ(s.send_command(g1, command::set_gsm_num, std::array{std::string_view("1 2")}, 5, now).error().field, "number");
  EXPECT_EQ(taken(), texts{});
}

TEST_F(GoipDialogue, UssdThatComesByItselfIsANotification) {
  say("USSN:112;id:g1;password:pw;msg:Balance 5;00 EUR");
  EXPECT_EQ(next<ussd_received>()->text, "Balance 5;00 EUR");
}

}  // namespace
}  // namespace msgkit::goip::test
