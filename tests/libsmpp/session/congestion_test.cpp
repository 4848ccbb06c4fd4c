// congestion_state (SMPP 5.0): what the peer reports opens and closes our window. Time moves by hand.
#include "msgkit/smpp/congestion.hpp"

#include "session_pair.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

constexpr time_point start = time_point{} + 1h;

// Answers every open request of the ESME with the report, oldest first.
void answer_all(pair& p, std::uint8_t report) {
  tlv_builder tlvs;
  tlvs.add_u8(tag::congestion_state, report);
  for (const auto& m : p.to_mc()) ASSERT_TRUE(p.mc.respond(m.sequence, submit_sm_resp{.tlvs = tlvs.list()}));
  p.to_esme();
}

std::size_t fill(session& s, time_point now) {
  std::size_t sent = 0;
  while (s.request(submit_sm{.destination_addr = "1"}, now)) ++sent;
  return sent;
}

pair bound(std::size_t window = 16) {
  session_options options;
  options.window_size = window;
  options.interface_version = 0x50;
  pair p(options, {});
  p.bind();
  return p;
}

}  // namespace

TEST(Congestion, WithoutAReportTheWindowIsWhole) {
  congestion_window w(10, 30s);
  EXPECT_EQ(w.limit(start), 10u);
  EXPECT_EQ(w.state(start), std::nullopt);
  w.on_answer(std::nullopt, 3, start);
  w.on_answer(101, 3, start);  // reserved
  EXPECT_EQ(w.limit(start), 10u);
  EXPECT_EQ(w.state(start), std::nullopt);
}

TEST(Congestion, NearingHalvesOnceForAllThatWasUnderWay) {
  congestion_window w(16, 30s);
  w.on_answer(95, 15, start);
  EXPECT_EQ(w.limit(start), 8u);
  for (std::size_t left = 15; left-- > 0;) w.on_answer(95, left, start);  // sent before the first report arrived
  EXPECT_EQ(w.limit(start), 4u) << "the last of them finds nothing older under way";
  w.on_answer(95, 0, start);
  w.on_answer(95, 0, start);
  w.on_answer(99, 0, start);
  EXPECT_EQ(w.limit(start), 1u) << "never less than one request";
}

TEST(Congestion, CongestedMeansOneAtATime) {
  congestion_window w(16, 30s);
  w.on_answer(100, 15, start);
  EXPECT_EQ(w.limit(start), 1u);
  EXPECT_EQ(w.state(start), 100);
}

TEST(Congestion, GrowsByOneWithEachAnswerThatShowsRoomAndHoldsAtOptimumLoad) {
  congestion_window w(4, 30s);
  w.on_answer(100, 0, start);
  w.on_answer(85, 0, start);
  EXPECT_EQ(w.limit(start), 1u);
  for (std::size_t expected : {2, 3, 4, 4}) {
    w.on_answer(10, 0, start);
    EXPECT_EQ(w.limit(start), expected);
  }
}

TEST(Congestion, AReportIsForgottenInTime) {
  congestion_window w(16, 30s);
  w.on_answer(100, 0, start);
  EXPECT_EQ(w.limit(start + 29s), 1u);
  EXPECT_EQ(w.limit(start + 30s), 16u);
  w.on_answer(90, 0, start + 31s);  // begins with the whole window again
  EXPECT_EQ(w.limit(start + 31s), 8u);
}

TEST(Congestion, MayBeIgnored) {
  congestion_window w(16, 0s);
  w.on_answer(100, 0, start);
  EXPECT_EQ(w.limit(start), 16u);
}

TEST(SessionCongestion, TheWindowFollowsThePeersReports) {
  auto p = bound();
  EXPECT_EQ(fill(p.esme, p.now), 16u);
  answer_all(p, 100);
  EXPECT_EQ(p.esme.congestion_state(), 100);
  EXPECT_EQ(p.esme.window_room(), 1u);
  EXPECT_EQ(fill(p.esme, p.now), 1u);
  EXPECT_EQ(p.esme.request(submit_sm{}, p.now).error().code, errc::window_full);
  answer_all(p, 0);
  EXPECT_EQ(fill(p.esme, p.now), 2u);
  answer_all(p, 79);
  EXPECT_EQ(fill(p.esme, p.now), 4u);
  answer_all(p, 85);
  EXPECT_EQ(fill(p.esme, p.now), 4u);
}

TEST(SessionCongestion, SilenceOpensTheWindowAgain) {
  auto p = bound();
  fill(p.esme, p.now);
  answer_all(p, 100);
  p.now += 30s;
  EXPECT_EQ(fill(p.esme, p.now), 16u);
  EXPECT_EQ(p.esme.congestion_state(), std::nullopt);
}

TEST(SessionCongestion, EnquireLinkAndBindResponsesReportToo) {
  auto p = bound();
  byte_vector report;
  tlv_builder tlvs;
  tlvs.add_u8(tag::congestion_state, 92);
  ASSERT_TRUE(encode(enquire_link_resp{.tlvs = tlvs.list()}, 1, report));
  EXPECT_TRUE(feed(p.esme, report, p.now).empty());
  EXPECT_EQ(p.esme.window_room(), 8u);

  session_options options;
  options.role = role::esme;
  session s(options, p.now);
  ASSERT_TRUE(s.bind(bind_mode::transceiver, {}, p.now));
  report.clear();
  ASSERT_TRUE(encode(bind_transceiver_resp{.system_id = "mc", .tlvs = tlvs.list()}, 1, report));
  EXPECT_EQ(feed(s, report, p.now).at(0).kind, event_kind::bound);
  EXPECT_EQ(s.window_room(), 5u);
}

TEST(SessionCongestion, CutsNothingThatIsAlreadyOpen) {
  auto p = bound();
  fill(p.esme, p.now);
  tlv_builder tlvs;
  tlvs.add_u8(tag::congestion_state, 100);
  const auto first = p.to_mc().at(0);
  ASSERT_TRUE(p.mc.respond(first.sequence, submit_sm_resp{.tlvs = tlvs.list()}));
  EXPECT_EQ(p.to_esme().size(), 1u);
  EXPECT_EQ(p.esme.open_requests(), 15u);
  EXPECT_EQ(p.esme.window_room(), 0u);
}
