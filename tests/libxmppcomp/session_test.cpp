#include "msgkit/xmppcomp/session.hpp"

#include <gtest/gtest.h>

#include "fake_server.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "stream_script.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using namespace std::chrono_literals;

namespace {

// A session and its server; octets go to and fro on exchange() only.
struct script {
  explicit script(session_options options = test_session_options()) : s(std::move(options), now) {}

  void to_session(std::string_view octets) {
    s.feed(as_bytes(octets), now);
    drain();
  }
  void drain() {
    while (const auto e = s.next_event()) {
      events.push_back(*e);
      if (e->stanza != nullptr) stanzas.push_back(*e->stanza);
    }
  }
  void exchange() {
    for (int i = 0; i < 10 && (s.has_output() || !server.output.empty()); ++i) {
      server.process(s.take_output());
      to_session(server.take_output());
    }
  }
  void open() {
    exchange();
    ASSERT_TRUE(s.is_open());
    events.clear();
  }
  void pass(duration by) {
    now += by;
    s.on_time(now);
    drain();
  }
  std::vector<std::uint64_t> cookies(event_kind kind) const {
    std::vector<std::uint64_t> found;
    for (const auto& e : events)
      if (e.kind == kind) found.push_back(e.cookie);
    return found;
  }
  std::error_code closed_reason() const {
    EXPECT_FALSE(events.empty());
    EXPECT_EQ(events.back().kind, event_kind::closed);
    return events.back().reason;
  }

  time_point now{1h};
  fake_server server;
  session s;
  std::vector<event> events;  // `stanza` of these has gone
  std::vector<element> stanzas;
};

using cookies = std::vector<std::uint64_t>;

}  // namespace

// ---- handshake

TEST(Handshake, DigestsOfTheReference) {
  EXPECT_EQ(handshake_digest("3BF96D32", "test"), "aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e");
  EXPECT_EQ(handshake_digest("2ded2862-75d3-43c5-a5e4-3883c3021a7b", "s3cr3t"),
            "dd4767b0d579a5ccac59f35d041f9130146e1018");
}

TEST(Handshake, DigestsOfTheStandardAndOfEveryPadding) {
  EXPECT_EQ(handshake_digest("", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(handshake_digest("", ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(handshake_digest("abcdbcdecdefdefgefghfghighijhijk", "ijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(handshake_digest(std::string(1'000'000, 'a'), ""), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(handshake_digest(std::string(55, 'a'), ""), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(handshake_digest(std::string(56, 'a'), ""), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(handshake_digest(std::string(64, 'a'), ""), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST(Handshake, OpensTheStreamAsPrescribed) {
  script t;
  EXPECT_EQ(t.s.take_output(),
            "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
            "xmlns:stream='http://etherx.jabber.org/streams' to='sms.localhost'>");
  EXPECT_EQ(t.s.state(), session_state::connecting);
  t.to_session(stream_open);
  EXPECT_EQ(t.s.state(), session_state::authenticating);
  EXPECT_EQ(t.s.take_output(), "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>");
  t.to_session("<handshake/>");
  ASSERT_EQ(t.events.size(), 1u);
  EXPECT_EQ(t.events[0].kind, event_kind::open);
  EXPECT_TRUE(t.s.is_open());
}

TEST(Handshake, TheHeaderMayBeCutAnywhere) {
  for (std::size_t cut = 0; cut <= stream_open.size(); ++cut) {
    script t;
    (void)t.s.take_output();
    t.to_session(stream_open.substr(0, cut));
    t.to_session(stream_open.substr(cut));
    EXPECT_EQ(t.s.take_output(), "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>") << cut;
  }
}

TEST(Handshake, AnIdWithAReferenceIsUnescapedFirst) {
  script t;
  t.server.stream_id = "a&amp;b";
  t.server.process(t.s.take_output());
  t.to_session(t.server.take_output());
  EXPECT_NE(t.s.take_output().find(handshake_digest("a&b", "test")), std::string::npos);
}

TEST(Handshake, RefusalsCarryTheServersConditionAndWords) {
  for (const auto condition :
       {stream_condition::not_authorized, stream_condition::conflict, stream_condition::host_unknown}) {
    script t;
    t.server.write_header();
    t.server.fail(condition, "because");
    t.exchange();
    EXPECT_EQ(t.closed_reason(), condition);
    EXPECT_EQ(t.s.error_text(), "because");
    EXPECT_TRUE(info(condition).is_fatal);
    EXPECT_EQ(t.events.size(), 1u);
  }
}

TEST(Handshake, AWrongSecretIsNotAuthorized) {
  auto options = test_session_options();
  options.secret = "wrong";
  script t(options);
  t.exchange();
  EXPECT_EQ(t.closed_reason(), stream_condition::not_authorized);
}

TEST(Handshake, AHeaderWithoutIdWaitsForTheErrorBehindIt) {
  script t;
  t.server.stream_id = "";
  t.server.write_header();
  (void)t.s.take_output();
  t.to_session(t.server.take_output());
  EXPECT_FALSE(t.s.has_output());
  t.server.fail(stream_condition::host_unknown);
  t.to_session(t.server.take_output());
  EXPECT_EQ(t.closed_reason(), stream_condition::host_unknown);
}

TEST(Handshake, AnEndBeforeTheHeaderIsTold) {
  script t;
  t.s.disconnected({});
  t.drain();
  EXPECT_EQ(t.closed_reason(), errc::peer_closed);
}

TEST(Handshake, ASilentServerIsGivenUp) {
  script t;
  EXPECT_EQ(t.s.next_deadline(), t.now + 30s);
  t.pass(29s);
  EXPECT_TRUE(t.events.empty());
  t.pass(1s);
  EXPECT_EQ(t.closed_reason(), errc::handshake_timeout);
}

TEST(Handshake, StanzasBeforeItIsOverAreIgnored) {
  script t;
  t.to_session(stream_open + "<message from='a@b' to='c@d'><body>x</body></message>");
  EXPECT_TRUE(t.events.empty());
  EXPECT_EQ(t.s.counters().early_stanzas, 1u);
}

// ---- stanzas

TEST(Session, HandsOverStanzasAndIgnoresWhatItDoesNotKnow) {
  script t;
  t.open();
  t.to_session("<message from='a@b' to='c@sms.localhost'><body>x</body></message><odd/><x xmlns='urn:unknown'/>"
               "<presence from='a@b' to='c@sms.localhost' type='probe'/> ");
  ASSERT_EQ(t.stanzas.size(), 2u);
  EXPECT_EQ(t.stanzas[0].child_text("body"), "x");
  EXPECT_EQ(t.stanzas[1].name, "presence");
  EXPECT_EQ(t.s.counters().unknown_elements, 2u);
  EXPECT_TRUE(t.s.is_open());
}

TEST(Session, SendsWhatIsGoodAndNothingElse) {
  script t;
  EXPECT_EQ(t.s.send(user_message_to("x", "1")).error().code, errc::not_connected);
  t.open();
  EXPECT_TRUE(t.s.send(user_message_to("x", "1")));
  EXPECT_EQ(t.s.send(make_message("root@localhost", "a@b", "x")).error().code, errc::address_foreign);
  EXPECT_EQ(t.s.send(make_message("+1@sms.localhost", "", "x")).error().code, errc::address_missing);
  EXPECT_EQ(t.s.send(user_message_to(std::string(300 * 1024, 'x'), "2")).error().code, errc::stanza_too_large);
  t.exchange();
  ASSERT_EQ(t.server.stanzas.size(), 1u);
  EXPECT_EQ(t.server.stanzas[0], user_message_to("x", "1"));
}

TEST(Session, AFullOutputIsBackPressureNotMemory) {
  auto options = test_session_options();
  options.output_bytes_max = 1'000;
  script t(options);
  t.open();
  std::size_t sent = 0;
  while (t.s.send(user_message_to("x", "1"))) ASSERT_LT(++sent, 100u);
  EXPECT_EQ(t.s.send(user_message_to("x", "1")).error().code, errc::queue_full);
  EXPECT_LE(t.s.output_bytes(), 1'000u);
  t.exchange();
  EXPECT_TRUE(t.s.send(user_message_to("x", "1")));
}

TEST(Session, AnswersPingsOfOthers) {
  script t;
  t.open();
  t.to_session(
      "<iq type='get' id='p1' from='alice@localhost/r' to='+47@SMS.localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_TRUE(t.events.empty());
  const auto answer = read_stanzas(stream_open + t.s.take_output());
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(to_xml(answer[0]), "<iq from='+47@SMS.localhost' to='alice@localhost/r' id='p1' type='result'/>");
}

TEST(Session, NeverAnswersAnAnswer) {
  script t;
  t.open();
  t.to_session("<iq type='result' id='x' from='localhost' to='sms.localhost'/>"
               "<iq type='error' id='y' from='localhost' to='sms.localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_TRUE(t.events.empty());
  EXPECT_FALSE(t.s.has_output());
  EXPECT_EQ(t.s.counters().unmatched_responses, 2u);
}

// ---- requests

TEST(Request, GetsTheAnswerOfWhomItAsked) {
  script t;
  t.open();
  auto iq = make_iq("get", "sms.localhost", "Alice@localhost/r");
  iq.add("query", ns::version);
  ASSERT_TRUE(t.s.request(iq, 7));
  t.exchange();
  const std::string id(t.server.stanzas.at(0).get("id"));
  t.to_session("<iq type='result' from='mallory@localhost' to='sms.localhost' id='" + id + "'/>");
  EXPECT_TRUE(t.events.empty()) << "somebody else guessed the id";
  t.to_session("<iq type='result' from='alice@localhost/r' to='sms.localhost' id='" + id + "'/>");
  ASSERT_EQ(t.events.size(), 1u);
  EXPECT_EQ(t.events[0].cookie, 7u);
  EXPECT_FALSE(t.events[0].reason);
  t.to_session("<iq type='result' from='alice@localhost/r' to='sms.localhost' id='" + id + "'/>");
  EXPECT_EQ(t.events.size(), 1u) << "once";
}

TEST(Request, ErrorsTimeoutsAndTheEndAreOutcomesToo) {
  script t;
  t.open();
  for (std::uint64_t cookie = 1; cookie <= 3; ++cookie)
    ASSERT_TRUE(t.s.request(make_iq("get", "sms.localhost", "localhost"), cookie, cookie == 2 ? 10s : 40s));
  t.exchange();
  t.to_session(to_xml(make_error(t.server.stanzas.at(0), stanza_condition::forbidden)));
  t.pass(10s);
  ASSERT_EQ(t.events.size(), 2u);
  EXPECT_EQ(t.events[0].reason, stanza_condition::forbidden);
  EXPECT_EQ(t.events[1].reason, errc::response_timeout);
  t.s.disconnected({});
  t.drain();
  EXPECT_EQ(t.cookies(event_kind::response), (cookies{1, 2, 3}));
  EXPECT_EQ(t.events[2].reason, errc::session_closed);
}

TEST(Request, TheNumberOfOpenOnesIsLimited) {
  auto options = test_session_options();
  options.requests_max = 2;
  script t(options);
  t.open();
  const auto iq = make_iq("get", "sms.localhost", "localhost");
  EXPECT_TRUE(t.s.request(iq, 1));
  EXPECT_TRUE(t.s.request(iq, 2));
  EXPECT_EQ(t.s.request(iq, 3).error().code, errc::queue_full);
}

// ---- barriers

TEST(Barrier, IsConfirmedWhenTheServerHasReadWhatWasSentBefore) {
  script t;
  t.open();
  ASSERT_TRUE(t.s.send(user_message_to("x", "1")));
  ASSERT_TRUE(t.s.barrier(1));
  const auto octets = t.s.take_output();
  t.server.process(octets);
  EXPECT_EQ(t.server.stanzas.size(), 1u);
  EXPECT_TRUE(t.events.empty());
  t.to_session(t.server.take_output());
  EXPECT_EQ(t.cookies(event_kind::confirmed), cookies{1});
  EXPECT_EQ(t.s.open_barriers(), 0u);
}

TEST(Barrier, BarriersOfOneBurstShareAPing) {
  script t;
  t.open();
  for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(t.s.barrier(i));
  t.exchange();
  EXPECT_EQ(t.server.pings.size(), 1u);
  EXPECT_EQ(t.cookies(event_kind::confirmed).size(), 100u);
}

TEST(Barrier, PingsInFlightAreLimitedAndTheRestShareTheNext) {
  script t;
  t.open();
  t.server.answers_pings = false;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    ASSERT_TRUE(t.s.barrier(i));
    t.server.process(t.s.take_output());
  }
  EXPECT_EQ(t.server.pings.size(), 4u);
  EXPECT_FALSE(t.s.has_output());
  t.to_session("<iq type='result' from='localhost' to='sms.localhost' id='" + t.server.pings[0] + "'/>");
  EXPECT_EQ(t.cookies(event_kind::confirmed), cookies{1});
  t.server.answers_pings = true;
  t.exchange();
  t.to_session("<iq type='result' from='localhost' to='sms.localhost' id='" + t.server.pings.back() + "'/>");
  EXPECT_EQ(t.cookies(event_kind::confirmed), (cookies{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(Barrier, AnErrorFromTheServerConfirmsAsWell) {
  script t;
  t.open();
  t.server.answers_pings = false;
  ASSERT_TRUE(t.s.barrier(1));
  t.exchange();
  t.to_session("<iq type='error' from='localhost' to='sms.localhost' id='" + t.server.pings.at(0) +
               "'><error type='cancel'/></iq>");
  EXPECT_EQ(t.cookies(event_kind::confirmed), cookies{1});
}

TEST(Barrier, NobodyElseCanConfirmIt) {
  script t;
  t.open();
  t.server.answers_pings = false;
  ASSERT_TRUE(t.s.barrier(1));
  t.exchange();
  t.to_session("<iq type='result' from='mallory@localhost/x' to='sms.localhost' id='" + t.server.pings.at(0) + "'/>");
  EXPECT_TRUE(t.events.empty());
}

TEST(Barrier, AnAnswerOfAnEarlierStreamConfirmsNothing) {
  script first;
  first.open();
  first.server.answers_pings = false;
  ASSERT_TRUE(first.s.barrier(1));
  first.exchange();
  script second;
  second.server.stream_id = "another";
  second.open();
  second.server.answers_pings = false;
  ASSERT_TRUE(second.s.barrier(2));
  second.exchange();
  second.to_session("<iq type='result' from='localhost' to='sms.localhost' id='" + first.server.pings.at(0) + "'/>");
  EXPECT_TRUE(second.events.empty());
}

TEST(Barrier, IsLostExactlyOnceWhenTheStreamEnds) {
  script t;
  t.open();
  t.server.answers_pings = false;
  ASSERT_TRUE(t.s.barrier(1));
  t.exchange();
  ASSERT_TRUE(t.s.barrier(2));
  t.s.disconnected(std::make_error_code(std::errc::connection_reset));
  t.s.disconnected({});
  t.drain();
  EXPECT_EQ(t.cookies(event_kind::lost), (cookies{1, 2}));
  EXPECT_EQ(t.closed_reason(), std::errc::connection_reset);
  EXPECT_EQ(t.s.barrier(3).error().code, errc::not_connected);
}

TEST(Barrier, TheNumberOfOpenOnesIsLimited) {
  auto options = test_session_options();
  options.barriers_max = 3;
  script t(options);
  t.open();
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(t.s.barrier(i));
  EXPECT_EQ(t.s.barrier(4).error().code, errc::queue_full);
}

TEST(Barrier, AServerThatTalksButNeverComesToThePingIsGivenUp) {
  script t;
  t.open();
  t.server.answers_pings = false;
  ASSERT_TRUE(t.s.barrier(1));
  t.exchange();
  for (int i = 0; i < 11; ++i) {
    t.pass(10s);
    t.to_session(" ");
    ASSERT_TRUE(t.events.empty()) << i;
  }
  t.pass(10s);
  EXPECT_EQ(t.closed_reason(), errc::barrier_timeout);
  EXPECT_EQ(t.cookies(event_kind::lost), cookies{1});
}

// ---- liveness and ends

TEST(Liveness, ASilentServerIsPingedThenGivenUp) {
  script t;
  t.open();
  t.server.answers_pings = false;
  EXPECT_EQ(t.s.next_deadline(), t.now + 30s);
  t.pass(30s);
  t.exchange();
  EXPECT_EQ(t.server.pings.size(), 1u);
  EXPECT_EQ(t.s.next_deadline(), t.now + 15s);
  t.pass(15s);
  EXPECT_EQ(t.closed_reason(), errc::ping_timeout);
}

TEST(Liveness, AnAnsweredPingKeepsTheStream) {
  script t;
  t.open();
  for (int i = 0; i < 10; ++i) {
    t.pass(30s);
    t.exchange();
  }
  EXPECT_EQ(t.server.pings.size(), 10u);
  EXPECT_TRUE(t.s.is_open());
}

TEST(Liveness, PingsGoToTheServerNotToUs) {
  for (const auto& [domain, target] : {std::pair{"sms.example.org", "example.org"}, std::pair{"sms", "sms"}}) {
    auto options = test_session_options();
    options.domain = domain;
    script t(options);
    t.open();
    t.pass(30s);
    const auto ping = read_stanzas(stream_open + t.s.take_output());
    ASSERT_EQ(ping.size(), 1u);
    EXPECT_EQ(ping[0].get("to"), target);
    EXPECT_EQ(ping[0].get("from"), domain);
  }
}

TEST(Liveness, AStanzaThatIsNeverFinishedEndsTheStream) {
  script t;
  t.open();
  t.to_session("<message><bo");
  for (int i = 0; i < 5; ++i) {
    t.pass(10s);
    t.to_session("d");
  }
  EXPECT_TRUE(t.events.empty());
  t.pass(10s);
  EXPECT_EQ(t.closed_reason(), errc::partial_stanza_timeout);
}

TEST(SessionEnd, OursWaitsForTheServers) {
  script t;
  t.open();
  ASSERT_TRUE(t.s.send(user_message_to("x", "1")));
  ASSERT_TRUE(t.s.barrier(1));
  t.s.close(t.now);
  EXPECT_EQ(t.s.send(user_message_to("y", "2")).error().code, errc::not_connected);
  t.exchange();
  EXPECT_EQ(t.cookies(event_kind::confirmed), cookies{1}) << "what comes before the server's end counts";
  EXPECT_EQ(t.closed_reason(), std::error_code{});
  EXPECT_TRUE(t.server.is_closed);
}

TEST(SessionEnd, OursDoesNotWaitForEver) {
  script t;
  t.open();
  t.s.close(t.now);
  t.pass(5s);
  EXPECT_EQ(t.closed_reason(), std::error_code{});
}

TEST(SessionEnd, TheServersIsAnsweredAndTold) {
  script t;
  t.open();
  t.to_session("</stream:stream>");
  EXPECT_EQ(t.closed_reason(), errc::peer_closed);
  EXPECT_EQ(t.s.take_output(), "</stream:stream>");
}

TEST(SessionEnd, ForbiddenXmlIsAnsweredWithItsCondition) {
  script t;
  t.open();
  t.to_session("<!-- hello -->");
  EXPECT_EQ(t.closed_reason(), stream_condition::restricted_xml);
  EXPECT_EQ(t.s.take_output(), "<stream:error><restricted-xml xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                               "</stream:error></stream:stream>");
  t.to_session("<message/>");
  EXPECT_EQ(t.events.size(), 1u) << "nothing follows";
}

TEST(SessionEnd, StanzasBeforeTheEndInOneReadAreHandedOver) {
  script t;
  t.open();
  t.to_session("<message from='a@b' to='x@sms.localhost'/><stream:error><system-shutdown "
               "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
  ASSERT_EQ(t.events.size(), 2u);
  EXPECT_EQ(t.events[0].kind, event_kind::stanza);
  EXPECT_EQ(t.closed_reason(), stream_condition::system_shutdown);
}

TEST(Session, OctetByOctetIsTheSameSession) {
  const std::string stream = stream_open +
                             "<handshake/><message from='a@b' to='c@sms.localhost'><body>x</body></message>"
                             "<iq type='get' id='1' from='a@b' to='sms.localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
                             "</stream:stream>";
  script whole, pieces;
  whole.to_session(stream);
  for (const char c : stream) pieces.to_session({&c, 1});
  EXPECT_EQ(pieces.s.take_output(), whole.s.take_output());
  EXPECT_EQ(pieces.stanzas, whole.stanzas);
  ASSERT_EQ(pieces.events.size(), whole.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) EXPECT_EQ(pieces.events[i].kind, whole.events[i].kind);
}
