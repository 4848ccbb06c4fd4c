// Where commands go, and who may answer them.
#include "goip_fixture.hpp"

namespace msgkit::goip::test {
namespace {

using GoipEndpoint = goip_fixture;

// A.9 weakness 8: a keepalive played back from another port got all later messages, passwords included.
TEST_F(GoipEndpoint, ARecordedKeepaliveDoesNotPullTheLineAway) {
  for (int i = 0; i < 3; ++i) keepalive();
  const std::string recorded = "req:2;id:g1;pass:pw;num:+37250001;signal:25;gsm_status:LOGIN;";
  EXPECT_EQ(say(recorded, elsewhere), texts{"reg:2;status:200;"});
  EXPECT_EQ(last_destination, elsewhere);
  EXPECT_EQ(s.status(g1)->endpoint, home);
  EXPECT_EQ(next<endpoint_held>()->claimed, elsewhere);
  ASSERT_TRUE(s.send_sms(g1, "+1", "x", 1, now));
  taken();
  EXPECT_EQ(last_destination, home);
  say(recorded, elsewhere);
  EXPECT_FALSE(next<endpoint_held>());  // once is enough
  EXPECT_EQ(s.counters().endpoint_holds, 2u);
}

TEST_F(GoipEndpoint, ADeviceThatCountsOnFromAnotherPortIsFollowed) {
  for (int i = 0; i < 3; ++i) keepalive();
  clear_events();
  keepalive("g1", "pw", elsewhere);
  EXPECT_EQ(s.status(g1)->endpoint, elsewhere);
  EXPECT_TRUE(next<line_changed>()->endpoint_moved);
  EXPECT_EQ(s.counters().endpoint_moves, 1u);
}

TEST_F(GoipEndpoint, ADeviceAtAnotherAddressIsFollowedWhenTheOldOneIsSilent) {
  keepalive();
  wait(30s);
  keepalive("g1", "pw", far_away);
  EXPECT_EQ(s.status(g1)->endpoint, home);
  wait(30s);
  keepalive("g1", "pw", far_away);
  EXPECT_EQ(s.status(g1)->endpoint, far_away);
  EXPECT_EQ(s.status(g1)->state, line_state::online);
}

TEST_F(GoipEndpoint, ALivingEndpointIsKeptHoweverOftenAnotherIsClaimed) {
  keepalive();
  for (int i = 0; i < 10; ++i) {
    wait(15s);
    say("req:1;id:g1;pass:pw;", far_away);
    wait(15s);
    keepalive();
  }
  EXPECT_EQ(s.status(g1)->endpoint, home);
  EXPECT_EQ(s.counters().endpoint_moves, 0u);
}

TEST_F(GoipEndpoint, ADeviceThatRestartsCountsFromOneAndStaysWhereItIs) {
  for (int i = 0; i < 50; ++i) keepalive();
  EXPECT_EQ(say("req:1;id:g1;pass:pw;"), texts{"reg:1;status:200;"});
  EXPECT_EQ(s.status(g1)->keepalive_count, 1);
}

TEST_F(GoipEndpoint, ANotificationFromAnotherPortIsAnsweredThereAndMovesNothing) {
  keepalive();
  say("RECEIVE:5;id:g1;password:pw;srcnum:1;msg:x", elsewhere);
  s.acknowledge(next<sms_received>()->token);
  EXPECT_EQ(taken(), texts{"RECEIVE 5 OK"});
  EXPECT_EQ(last_destination, elsewhere);
  EXPECT_EQ(s.status(g1)->endpoint, home);
}

TEST_F(GoipEndpoint, AnswersCountOnlyFromTheLinesEndpoint) {
  keepalive();
  ASSERT_TRUE(s.send_command(g1, command::get_gsm_num, {}, 5, now));
  const auto asked = taken().at(0);
  const auto answer = "get_gsm_num " + asked.substr(12, asked.find(' ', 12) - 12) + " 138";
  say(answer, elsewhere);
  EXPECT_FALSE(next<command_done>());
  EXPECT_EQ(s.counters().unmatched_replies, 1u);
  say(answer);
  EXPECT_EQ(next<command_done>()->value, "138");
}

TEST_F(GoipEndpoint, NothingIsSentToALineThatNeverRegistered) {
  EXPECT_EQ(s.send_command(g1, command::get_gsm_num, {}, 5, now).error().code, errc::line_offline);
  EXPECT_EQ(s.send_ussd(g1, "*100#", now).error().code, errc::line_offline);
  EXPECT_TRUE(s.send_sms(g1, "+1", "waits", 5, now));
  EXPECT_EQ(taken(), texts{});
}

TEST_F(GoipEndpoint, AddressesAreWrittenAsUsual) {
  EXPECT_EQ(to_string(home), "127.0.0.1:10991");
  endpoint six{.port = 5};
  six.address[0] = 0x20, six.address[1] = 1, six.address[15] = 1;
  EXPECT_EQ(to_string(six), "[2001::1]:5");
}

}  // namespace
}  // namespace msgkit::goip::test
