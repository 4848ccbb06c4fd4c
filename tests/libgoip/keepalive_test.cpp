#include "goip_fixture.hpp"

namespace msgkit::goip::test {
namespace {

using GoipKeepaliveRule = goip_fixture;

TEST_F(GoipKeepaliveRule, RegistersTheLineAndKeepsWhatItSays) {
  EXPECT_EQ(say("req:1;id:g1;pass:pw;num:+3725;signal:25;gsm_status:LOGIN;pro:POL;CELLINFO:LAC:7E5,CELL ID:5E5B;"),
            texts{"reg:1;status:200;"});
  const auto& status = *s.status(g1);
  EXPECT_EQ(status.state, line_state::online);
  EXPECT_EQ(status.endpoint, home);
  EXPECT_EQ(status.msisdn, "+3725");
  EXPECT_EQ(status.signal, 25);
  EXPECT_EQ(signal_dbm(*status.signal), -63);
  EXPECT_EQ(status.cell_info, "LAC:7E5,CELL ID:5E5B");
  const auto e = next<line_changed>();
  ASSERT_TRUE(e);
  EXPECT_EQ(e->before, line_state::unknown);
  EXPECT_EQ(e->now, line_state::online);
}

TEST_F(GoipKeepaliveRule, EmptyFieldsKeepTheNumberAndForgetTheSignal) {
  keepalive();
  say("req:2;id:g1;pass:pw;num:;signal:;gsm_status:LOGOUT;");
  EXPECT_EQ(s.status(g1)->state, line_state::no_gsm);
  EXPECT_EQ(s.status(g1)->msisdn, "+37250001");
  EXPECT_EQ(s.status(g1)->signal, std::nullopt);
}

TEST_F(GoipKeepaliveRule, AnUnreadableSignalIsAnAnomalyAndTheRestIsKept) {
  EXPECT_EQ(say("req:5;id:g1;pass:pw;signal:abc;pro:POL;"), texts{"reg:5;status:200;"});
  EXPECT_EQ(s.status(g1)->signal, std::nullopt);
  EXPECT_EQ(s.status(g1)->provider, "POL");
  EXPECT_EQ(s.counters().anomalies, 1u);
}

TEST_F(GoipKeepaliveRule, OutOfRangeSignalsAreUnknown) {
  say("req:5;id:g1;pass:pw;signal:99;");
  EXPECT_EQ(s.status(g1)->signal, std::nullopt);
}

TEST_F(GoipKeepaliveRule, ChangesAreReportedAndRepetitionsAreNot) {
  keepalive();
  clear_events();
  keepalive();
  EXPECT_FALSE(s.next_event());
  say("req:9;id:g1;pass:pw;num:+37250001;signal:24;gsm_status:LOGIN;");
  EXPECT_TRUE(next<line_changed>());
  say("req:9;id:g1;pass:pw;num:+37250001;signal:24;gsm_status:LOGIN;disable_status:1;");
  EXPECT_EQ(next<line_changed>()->now, line_state::module_disabled);
}

TEST_F(GoipKeepaliveRule, ALineIsDeadWhenThreeKeepalivesAreMissing) {
  keepalive();
  clear_events();
  wait(94s);
  EXPECT_EQ(s.status(g1)->state, line_state::online);
  wait(1s);
  EXPECT_EQ(s.status(g1)->state, line_state::dead);
  EXPECT_EQ(next<line_changed>()->before, line_state::online);
  EXPECT_EQ(s.next_deadline(), never);
  keepalive();
  EXPECT_EQ(next<line_changed>()->now, line_state::online);
}

TEST_F(GoipKeepaliveRule, ALineThatKeepsSayingSoStaysAlive) {
  keepalive();
  for (int i = 0; i < 20; ++i) {
    wait(30s);
    keepalive();
  }
  clear_events();
  EXPECT_EQ(s.status(g1)->state, line_state::online);
}

struct OldFirmware : goip_fixture {
  OldFirmware() : goip_fixture({.registered_status = 0}) {}
};
TEST_F(OldFirmware, MayBeToldZeroForRegistered) {
  EXPECT_EQ(say("req:1;id:g1;pass:pw;"), texts{"reg:1;status:0;"});
}

TEST_F(GoipKeepaliveRule, AnOverlongOrCutDatagramIsCountedAndNotAnswered) {
  EXPECT_EQ(say("RECEIVE:1;id:g1;password:pw;srcnum:1;msg:" + std::string(60'000, 'x')), texts{});
  s.feed(home, as_bytes("req:1;id:g1;pass:pw;"), now, true);
  EXPECT_EQ(taken(), texts{});
  EXPECT_EQ(s.counters().oversize, 2u);
  const auto rest = datagram_bytes_max_text("RECEIVE:1;id:g1;password:pw;srcnum:1;msg:");
  say(rest);
  EXPECT_EQ(next<sms_received>()->text.size(), rest.size() - 41);
}

TEST_F(GoipKeepaliveRule, LinesComeAndGo) {
  EXPECT_EQ(s.add_line({.id = "g1"}).error().code, errc::duplicate_line);
  EXPECT_EQ(s.add_line({.id = ""}).error().field, "id");
  EXPECT_EQ(s.add_line({.id = "g;3"}).error().field, "id");
  EXPECT_EQ(s.add_line({.id = "g3", .password = "a\r\nb"}).error().field, "password");  // vector 70
  EXPECT_EQ(s.add_line({.id = "g3", .password = "a b"}).error().code, errc::forbidden_character);
  EXPECT_EQ(s.add_line({.id = std::string(65, 'x')}).error().code, errc::field_too_long);
  EXPECT_EQ(s.find_line("g1"), g1);
  EXPECT_TRUE(s.update_line(g1, {.id = "g1", .password = "new"}));
  EXPECT_EQ(s.update_line(g1, {.id = "g9"}).error().field, "id");
  EXPECT_EQ(say("req:1;id:g1;pass:new;"), texts{"reg:1;status:200;"});
  EXPECT_TRUE(s.remove_line(g1));
  EXPECT_FALSE(s.remove_line(g1));
  EXPECT_EQ(s.status(g1), nullptr);
  EXPECT_EQ(s.line_count(), 1u);
  EXPECT_EQ(say("req:1;id:g1;pass:new;"), texts{});
}

}  // namespace
}  // namespace msgkit::goip::test
