#include "msgkit/smpp/session.hpp"

#include <fmt/format.h>

#include <set>

#include "session_pair.hpp"
#include "support/read_hex.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

submit_sm hello() {
  return {.source_addr = "4477", .destination_addr = "447700900123", .short_message = "hello"};
}

}  // namespace

TEST(Session, BindsInEveryMode) {
  const std::pair<bind_mode, session_state> modes[] = {{bind_mode::receiver, session_state::bound_rx},
                                                       {bind_mode::transmitter, session_state::bound_tx},
                                                       {bind_mode::transceiver, session_state::bound_trx}};
  for (const auto& [mode, state] : modes) {
    pair p;
    p.bind(mode);
    EXPECT_EQ(p.esme.state(), state);
    EXPECT_EQ(p.mc.state(), state);
    EXPECT_EQ(p.esme.interface_version(), 0x34);
  }
}

TEST(Session, SendsALongPassword) {
  pair p;
  ASSERT_TRUE(p.esme.bind(bind_mode::transceiver, {.system_id = "esme", .password = "a-password-of-25-octets"}, p.now));
  EXPECT_EQ(p.to_mc().at(0).kind, event_kind::bind_requested);
}

TEST(Session, AgreesOnTheLowerInterfaceVersion) {
  session_options newer;
  newer.interface_version = 0x50;
  pair p({}, newer);
  p.bind();
  EXPECT_EQ(p.esme.interface_version(), 0x34);
  EXPECT_EQ(p.mc.interface_version(), 0x34);
}

TEST(Session, SendsNoTlvInTheBindResponseToAVersion33Peer) {
  pair p;
  ASSERT_TRUE(p.esme.bind(bind_mode::transmitter, {.system_id = "old", .interface_version = 0x33}, p.now));
  p.to_mc();
  ASSERT_TRUE(p.mc.accept_bind("mc", p.now));
  EXPECT_EQ(p.mc.output().size(), header_bytes + 3);
  EXPECT_EQ(p.mc.interface_version(), 0x33);
}

TEST(Session, CarriesARequestAndItsResponseWithTheCookie) {
  pair p;
  p.bind();
  const auto sequence = p.esme.request(hello(), p.now, {.cookie = 42});
  ASSERT_TRUE(sequence);
  const auto arrived = p.to_mc();
  ASSERT_EQ(arrived.size(), 1u);
  EXPECT_EQ(arrived[0].kind, event_kind::request);
  EXPECT_EQ(arrived[0].text, "hello");
  ASSERT_TRUE(p.mc.respond(arrived[0].sequence, submit_sm_resp{.message_id = "id-1"}));
  const auto outcome = p.to_esme();
  ASSERT_EQ(outcome.size(), 1u);
  EXPECT_EQ(outcome[0].kind, event_kind::response);
  EXPECT_EQ(outcome[0].cookie, 42u);
  EXPECT_EQ(outcome[0].sequence, *sequence);
  EXPECT_EQ(outcome[0].text, "id-1");
  EXPECT_FALSE(outcome[0].reason);
  EXPECT_EQ(p.esme.open_requests(), 0u);
  EXPECT_EQ(p.mc.unanswered_requests(), 0u);
}

TEST(Session, AllowsDeferredResponsesInAnyOrder) {
  pair p;
  p.bind();
  for (std::uint64_t cookie = 1; cookie <= 5; ++cookie) ASSERT_TRUE(p.esme.request(hello(), p.now, {.cookie = cookie}));
  const auto arrived = p.to_mc();
  ASSERT_EQ(arrived.size(), 5u);
  for (const std::size_t i : {3, 0, 4, 1, 2}) ASSERT_TRUE(p.mc.respond(arrived[i].sequence, submit_sm_resp{}));
  const auto outcomes = p.to_esme();
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_EQ(outcomes[0].cookie, 4u);
  EXPECT_EQ(outcomes[4].cookie, 3u);
}

TEST(Session, ReportsTheStatusOfARejectedRequest) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(hello(), p.now));
  ASSERT_TRUE(p.mc.reject(p.to_mc().at(0).sequence, command_status::throttled));
  const auto outcome = p.to_esme().at(0);
  EXPECT_EQ(outcome.kind, event_kind::response);
  EXPECT_EQ(outcome.reason, command_status::throttled);
}

TEST(Session, TreatsGenericNackAsTheOutcome) {
  pair p;
  p.bind();
  const auto sequence = p.esme.request(hello(), p.now, {.cookie = 9});
  p.esme.clear_output();
  byte_vector nack;
  ASSERT_TRUE(encode(generic_nack{}, *sequence, nack, command_status::invalid_command_length));
  const auto outcome = feed(p.esme, nack, p.now).at(0);
  EXPECT_EQ(outcome.kind, event_kind::nack);
  EXPECT_EQ(outcome.cookie, 9u);
  EXPECT_EQ(outcome.reason, command_status::invalid_command_length);
}

TEST(Session, FailsEachOpenRequestExactlyOnceAtTheEnd) {
  pair p;
  p.bind();
  for (std::uint64_t cookie = 1; cookie <= 3; ++cookie) ASSERT_TRUE(p.esme.request(hello(), p.now, {.cookie = cookie}));
  EXPECT_EQ(p.esme.open_sequences().size(), 3u);
  p.esme.disconnected(std::make_error_code(std::errc::connection_reset));
  const auto events = drain(p.esme);
  ASSERT_EQ(events.size(), 4u);
  std::uint64_t cookies = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].kind, event_kind::failed);
    EXPECT_EQ(events[i].reason, errc::session_closed);
    cookies += events[i].cookie;
  }
  EXPECT_EQ(cookies, 6u);
  EXPECT_EQ(events[3].kind, event_kind::closed);
  EXPECT_EQ(events[3].reason, std::errc::connection_reset);
  EXPECT_TRUE(drain(p.esme).empty());
}

TEST(Session, AnswersEnquireLinkWhileWindowIsFull) {
  session_options narrow;
  narrow.window_size = 1;
  pair p(narrow, {});
  p.bind();
  ASSERT_TRUE(p.esme.request(hello(), p.now));
  EXPECT_EQ(p.esme.request(hello(), p.now).error().code, errc::window_full);
  p.esme.clear_output();
  byte_vector ask;
  ASSERT_TRUE(encode(enquire_link{}, 77, ask));
  EXPECT_TRUE(feed(p.esme, ask, p.now).empty());
  const auto answer = headers(p.esme.output());
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].id, command_id::enquire_link_resp);
  EXPECT_EQ(answer[0].sequence, 77u);
}

TEST(Session, AnswersEnquireLinkBeforeTheBind) {
  pair p;
  byte_vector ask;
  ASSERT_TRUE(encode(enquire_link{}, 3, ask));
  EXPECT_TRUE(feed(p.mc, ask, p.now).empty());
  EXPECT_EQ(headers(p.mc.output()).at(0).id, command_id::enquire_link_resp);
  EXPECT_EQ(p.mc.state(), session_state::open);
}

TEST(Session, UnbindsAndClosesBothSides) {
  pair p;
  p.bind();
  p.esme.unbind(p.now);
  const auto at_mc = p.to_mc();
  ASSERT_EQ(at_mc.size(), 2u);
  EXPECT_EQ(at_mc[0].kind, event_kind::unbinding);
  EXPECT_EQ(at_mc[1].kind, event_kind::closed);
  EXPECT_EQ(at_mc[1].reason, errc::peer_unbound);
  const auto at_esme = p.to_esme();
  ASSERT_EQ(at_esme.size(), 1u);
  EXPECT_EQ(at_esme[0].kind, event_kind::closed);
  EXPECT_FALSE(at_esme[0].reason);
}

TEST(Session, AnswersWhatItOwesBeforeItAgreesToUnbind) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(hello(), p.now, {.cookie = 5}));
  p.esme.unbind(p.now);
  EXPECT_EQ(p.esme.request(hello(), p.now).error().code, errc::state_forbids);
  const auto at_mc = p.to_mc();
  ASSERT_EQ(at_mc.size(), 2u);
  EXPECT_EQ(at_mc[1].kind, event_kind::unbinding);
  EXPECT_FALSE(p.mc.has_output());
  ASSERT_TRUE(p.mc.respond(at_mc[0].sequence, submit_sm_resp{.message_id = "kept"}));
  EXPECT_EQ(drain(p.mc).at(0).kind, event_kind::closed);
  const auto at_esme = p.to_esme();
  ASSERT_EQ(at_esme.size(), 2u);
  EXPECT_EQ(at_esme[0].text, "kept");
  EXPECT_EQ(at_esme[1].kind, event_kind::closed);
}

TEST(Session, GivesUpOnUnbindWithoutAnAnswer) {
  pair p;
  p.bind();
  p.esme.unbind(p.now);
  EXPECT_EQ(p.esme.next_deadline(), p.now + 5s);
  p.esme.on_time(p.now + 5s);
  EXPECT_EQ(drain(p.esme).at(0).reason, errc::unbind_timeout);
}

TEST(Session, RefusesABindWithItsStatus) {
  pair p;
  ASSERT_TRUE(p.esme.bind(bind_mode::transceiver, {.system_id = "esme", .password = "wrong"}, p.now));
  p.to_mc();
  ASSERT_TRUE(p.mc.refuse_bind(command_status::invalid_password));
  EXPECT_EQ(drain(p.mc).at(0).kind, event_kind::closed);
  const auto at_esme = p.to_esme();
  ASSERT_EQ(at_esme.size(), 2u);
  EXPECT_EQ(at_esme[0].kind, event_kind::bind_refused);
  EXPECT_EQ(at_esme[0].reason, command_status::invalid_password);
  EXPECT_EQ(at_esme[1].kind, event_kind::closed);
}

TEST(Session, OutbindIsAnsweredWithABind) {
  pair p;
  ASSERT_TRUE(p.mc.send_outbind({.system_id = "mc", .password = "pw"}));
  EXPECT_EQ(p.to_esme().at(0).kind, event_kind::outbind);
  EXPECT_EQ(p.esme.state(), session_state::outbound);
  p.bind(bind_mode::receiver);
  EXPECT_EQ(p.esme.state(), session_state::bound_rx);
}

TEST(Session, EventsDoNotDependOnHowTheOctetsArrive) {
  pair p;
  p.bind();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(p.esme.request(hello(), p.now));
  const auto octets = p.esme.take_output();
  for (std::size_t piece = 1; piece <= octets.size(); ++piece) {
    pair q;
    q.bind();
    std::vector<seen> all;
    for (std::size_t at = 0; at < octets.size(); at += piece) {
      // A copy that dies at once: nothing may look at it later.
      const byte_vector part(octets.begin() + static_cast<std::ptrdiff_t>(at),
                             octets.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, octets.size())));
      for (auto& s : feed(q.mc, part, q.now)) all.push_back(s);
    }
    ASSERT_EQ(all.size(), 3u) << "pieces of " << piece;
    for (const auto& s : all) EXPECT_EQ(s.text, "hello");
  }
}

// Every vector, at either end, bound or not: octet by octet it means what it means at once.
TEST(Session, VectorsFedOctetByOctetMeanTheSame) {
  for (const auto& name : msgkit::test::list_vectors("smpp")) {
    SCOPED_TRACE(name);
    const auto octets = msgkit::test::read_hex(name);
    for (const bool is_bound : {false, true}) {
      for (const auto us : {role::mc, role::esme}) {
        const auto run = [&](std::size_t piece) {
          pair p;
          if (is_bound) p.bind();
          auto& s = us == role::mc ? p.mc : p.esme;
          if (is_bound && us == role::esme) (void)s.request(hello(), p.now);
          std::string all;
          for (std::size_t at = 0; at < octets.size(); at += piece) {
            const auto part = bytes_view{octets}.subspan(at, std::min(piece, octets.size() - at));
            for (const auto& e : feed(s, part, p.now))
              all += fmt::format("{} {} {} {} {}\n", static_cast<int>(e.kind), static_cast<std::uint32_t>(e.id),
                                 e.sequence, e.reason.message(), e.text);
          }
          return all + to_hex(s.output());
        };
        EXPECT_EQ(run(1), run(octets.size()));
      }
    }
  }
}

TEST(Session, SequenceNumbersWrapAndSkipOpenOnes) {
  session_options options;
  options.window_size = 100;
  options.first_sequence = 0x7FFFFFFE;
  pair p(options, {});
  p.bind();  // takes 7FFFFFFE
  EXPECT_EQ(*p.esme.request(hello(), p.now, {.cookie = 1}), 0x7FFFFFFFu);
  EXPECT_EQ(*p.esme.request(hello(), p.now, {.cookie = 2}), 1u);
  EXPECT_EQ(*p.esme.request(hello(), p.now, {.cookie = 3}), 2u);
  EXPECT_EQ(p.esme.open_sequences(), (std::vector<std::uint32_t>{0x7FFFFFFF, 1, 2})) << "the oldest first";
  p.esme.close({});
  const auto events = drain(p.esme);
  ASSERT_EQ(events.size(), 4u);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(events[i].cookie, i + 1);

  options.first_sequence = 0x7FFFFFFF;
  pair q(options, {});
  q.bind();
  EXPECT_EQ(*q.esme.request(hello(), q.now), 1u);
  for (const std::uint32_t outside : {0u, 0x80000000u}) {
    options.first_sequence = outside;
    pair r(options, {});
    r.bind();
    EXPECT_EQ(*r.esme.request(hello(), r.now), 2u);
  }
}

TEST(Session, EachPartOfALongMessageHasASequenceNumberOfItsOwn) {
  pair p;
  p.bind();
  std::set<std::uint32_t> numbers;
  for (int part = 0; part < 5; ++part) numbers.insert(*p.esme.request(hello(), p.now));
  EXPECT_EQ(numbers.size(), 5u);
}

TEST(Session, ATransmitterGetsAnswersEnquiriesAndUnbind) {
  pair p;
  p.bind(bind_mode::transmitter);
  ASSERT_TRUE(p.esme.request(hello(), p.now, {.cookie = 1}));
  ASSERT_TRUE(p.mc.respond(p.to_mc().at(0).sequence, submit_sm_resp{.message_id = "7"}));
  EXPECT_EQ(p.to_esme().at(0).cookie, 1u);
  p.mc.on_time(p.now + 30s);  // asks a transmitter, and gets its answer
  EXPECT_TRUE(p.to_esme().empty());
  p.now += 31s;
  EXPECT_TRUE(p.to_mc().empty());
  p.mc.on_time(p.now + 20s);
  EXPECT_TRUE(p.mc.is_bound());
  p.mc.unbind(p.now);
  EXPECT_EQ(p.to_esme().at(0).kind, event_kind::unbinding);
}

TEST(Session, AReceiverAsksForTheLinkToo) {
  pair p;
  p.bind(bind_mode::receiver);
  p.esme.on_time(p.now + 30s);
  EXPECT_EQ(headers(p.esme.output()).at(0).id, command_id::enquire_link);
  EXPECT_TRUE(p.to_mc().empty());
  EXPECT_TRUE(p.to_esme().empty());
  p.esme.on_time(p.now + 41s);
  EXPECT_TRUE(p.esme.is_bound());
}

TEST(Session, ObserverSeesBothDirections) {
  struct recorder : pdu_observer {
    void on_pdu(direction d, const header& h, bytes_view octets) override {
      EXPECT_EQ(octets.size(), h.command_length);
      (d == direction::sent ? sent : received).push_back(h.id);
    }
    std::vector<command_id> sent, received;
  } recorder;
  pair p;
  p.esme.set_observer(&recorder);
  p.bind();
  EXPECT_EQ(recorder.sent, std::vector{command_id::bind_transceiver});
  EXPECT_EQ(recorder.received, std::vector{command_id::bind_transceiver_resp});
}
