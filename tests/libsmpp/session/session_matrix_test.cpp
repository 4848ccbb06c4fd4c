// The operation matrix of SMPP 5.0 section 2.4, both roles, every state: what the peer may ask is handed over, anything
// else is refused with its status, and our own requests are held to the same table. The expectation is written out here,
// not taken from the library's table.
#include <map>
#include <string_view>

#include "session_pair.hpp"
#include "support/sample_pdu.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

// Who may send it: E the ESME, M the message centre.
struct row {
  std::string_view open, outbound, tx, rx, trx;
};
constexpr row binds{"E", "E", "", "", ""};
constexpr row to_centre{"", "", "E", "", "E"};
const std::map<command_id, row> matrix{
    {command_id::bind_receiver, binds},
    {command_id::bind_transmitter, binds},
    {command_id::bind_transceiver, binds},
    {command_id::outbind, {"M", "", "", "", ""}},
    {command_id::unbind, {"", "", "EM", "EM", "EM"}},
    {command_id::submit_sm, to_centre},
    {command_id::submit_multi, to_centre},
    {command_id::query_sm, to_centre},
    {command_id::cancel_sm, to_centre},
    {command_id::replace_sm, to_centre},
    {command_id::broadcast_sm, to_centre},
    {command_id::query_broadcast_sm, to_centre},
    {command_id::cancel_broadcast_sm, to_centre},
    {command_id::query_last_msgs, to_centre},
    {command_id::query_msg_details, to_centre},
    {command_id::param_retrieve, {"", "", "E", "E", "E"}},
    {command_id::deliver_sm, {"", "", "", "M", "M"}},
    {command_id::data_sm, {"", "", "EM", "M", "EM"}},  // from the MC on a TX bind: 3.4 is read both ways, accepted
    {command_id::alert_notification, {"", "", "", "M", "M"}},
    {command_id::enquire_link, {"EM", "EM", "EM", "EM", "EM"}},
};

constexpr session_state states[] = {session_state::open, session_state::outbound, session_state::bound_tx,
                                    session_state::bound_rx, session_state::bound_trx};

bool may_send(command_id id, role who, session_state s) {
  const auto& r = matrix.at(id);
  const std::string_view cells[] = {r.open, r.outbound, r.tx, r.rx, r.trx};
  const auto* const at = std::ranges::find(states, s);
  return cells[at - std::begin(states)].find(who == role::esme ? 'E' : 'M') != std::string_view::npos;
}

pair in_state(session_state s) {
  pair p;
  switch (s) {
    case session_state::outbound:
      EXPECT_TRUE(p.mc.send_outbind({.system_id = "mc"}));
      p.to_esme();
      break;
    case session_state::bound_tx: p.bind(bind_mode::transmitter); break;
    case session_state::bound_rx: p.bind(bind_mode::receiver); break;
    case session_state::bound_trx: p.bind(bind_mode::transceiver); break;
    default: break;
  }
  EXPECT_EQ(p.esme.state(), s);
  EXPECT_EQ(p.mc.state(), s);
  return p;
}

bool is_bind(command_id id) {
  return id == command_id::bind_receiver || id == command_id::bind_transmitter || id == command_id::bind_transceiver;
}

// A valid request of the command.
template <class Pdu>
byte_vector request_octets() {
  byte_vector out;
  Pdu m;
  counted_list_builder<dest_address> destinations;
  if constexpr (std::is_same_v<Pdu, submit_multi>) {
    EXPECT_TRUE(destinations.add({.destination_addr = "1"}));
    m.dest_addresses = destinations.list();
  }
  EXPECT_TRUE(encode(m, 77, out));
  return out;
}

template <class Pdu>
void expect_received_by(role us, session_state state) {
  auto p = in_state(state);
  auto& s = us == role::mc ? p.mc : p.esme;
  const auto peer = us == role::mc ? role::esme : role::mc;
  const auto& info = *find_command(Pdu::id);
  SCOPED_TRACE(std::string(info.name) + " in state " + std::to_string(static_cast<int>(state)) +
               (us == role::mc ? " at the MC" : " at the ESME"));
  s.clear_output();
  const auto events = feed(s, request_octets<Pdu>(), p.now);
  const auto answers = headers(s.output());
  if (Pdu::id == command_id::enquire_link) {
    EXPECT_TRUE(events.empty());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].status, command_status::ok);
  } else if (may_send(Pdu::id, peer, state)) {
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events[0].kind, Pdu::id == command_id::outbind  ? event_kind::outbind
                              : Pdu::id == command_id::unbind ? event_kind::unbinding
                              : is_bind(Pdu::id)          ? event_kind::bind_requested
                                                              : event_kind::request);
  } else {
    const bool second_bind = us == role::mc && is_bind(Pdu::id);
    const auto expected = second_bind ? command_status::already_bound : command_status::invalid_bind_status;
    ASSERT_EQ(answers.size(), info.has_response ? 1u : 0u);
    if (info.has_response) {
      EXPECT_EQ(answers[0].id, response_to(Pdu::id));
      EXPECT_EQ(answers[0].status, expected);
      EXPECT_EQ(answers[0].sequence, 77u);
    }
    EXPECT_EQ(s.counters().wrong_state_requests, 1u);
    for (const auto& e : events) EXPECT_EQ(e.kind, event_kind::closed);
    const bool was_bound = (in(state) & in_bound) != 0;
    EXPECT_EQ(s.is_closed(), !was_bound && !is_bind(Pdu::id));
  }
}

template <class Pdu>
void expect_sent_by(role us, session_state state) {
  auto p = in_state(state);
  auto& s = us == role::mc ? p.mc : p.esme;
  SCOPED_TRACE(std::string(command_name(Pdu::id)) + " in state " + std::to_string(static_cast<int>(state)));
  Pdu m;
  counted_list_builder<dest_address> destinations;
  if constexpr (std::is_same_v<Pdu, submit_multi>) {
    ASSERT_TRUE(destinations.add({.destination_addr = "1"}));
    m.dest_addresses = destinations.list();
  }
  const auto sent = s.request(m, p.now);
  if (may_send(Pdu::id, us, state)) EXPECT_TRUE(sent);
  else EXPECT_EQ(sent.error().code, errc::state_forbids);
}

template <class... Pdus>
struct pdus {};
using requests = pdus<submit_sm, submit_multi, query_sm, cancel_sm, replace_sm, broadcast_sm, query_broadcast_sm,
                      cancel_broadcast_sm, query_last_msgs, query_msg_details, param_retrieve, deliver_sm, data_sm,
                      alert_notification, enquire_link>;

template <class... Pdus>
void expect_all_sent(pdus<Pdus...>) {
  for (const auto us : {role::esme, role::mc})
    for (const auto state : states) (expect_sent_by<Pdus>(us, state), ...);
}

}  // namespace

TEST(SessionMatrix, CoversEveryCommand) {
  EXPECT_EQ(matrix.size(), std::size(command_table));
  for (const auto& each : command_table) EXPECT_TRUE(matrix.contains(each.id)) << each.name;
}

TEST(SessionMatrix, HandsOverWhatThePeerMaySendAndRefusesTheRest) {
  msgkit::test::for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    if constexpr (!is_response(Pdu::id)) {
      for (const auto us : {role::esme, role::mc})
        for (const auto state : states) expect_received_by<Pdu>(us, state);
    }
  });
}

TEST(SessionMatrix, OurOwnRequestsFollowItToo) { expect_all_sent(requests{}); }

TEST(SessionMatrix, OnlyTheRightSideBindsOrAsksForABind) {
  for (const auto state : states) {
    auto p = in_state(state);
    const bool unbound = state == session_state::open || state == session_state::outbound;
    EXPECT_EQ(p.esme.bind(bind_mode::receiver, {}, p.now).has_value(), unbound);
    EXPECT_FALSE(p.mc.bind(bind_mode::receiver, {}, p.now));
    EXPECT_EQ(p.mc.send_outbind({}).has_value(), state == session_state::open);
    EXPECT_FALSE(p.esme.send_outbind({}));
    EXPECT_FALSE(p.mc.accept_bind("nobody asked", p.now));
    EXPECT_FALSE(p.mc.refuse_bind(command_status::bind_failed));
    EXPECT_FALSE(p.esme.accept_bind("not ours to accept", p.now));
  }
}

TEST(SessionMatrix, ASecondBindWhileTheFirstWaitsIsAlreadyBound) {
  pair p;
  ASSERT_TRUE(p.esme.bind(bind_mode::transceiver, {.system_id = "esme"}, p.now));
  p.to_mc();
  EXPECT_TRUE(feed(p.mc, request_octets<bind_receiver>(), p.now).empty());
  EXPECT_EQ(headers(p.mc.output()).at(0).status, command_status::already_bound);
  ASSERT_TRUE(p.mc.accept_bind("mc", p.now));
  EXPECT_EQ(p.mc.state(), session_state::bound_trx);
}

TEST(SessionMatrix, NothingIsSentOrAcceptedAfterTheEnd) {
  pair p;
  p.bind();
  p.mc.close({});
  drain(p.mc);
  p.mc.clear_output();
  EXPECT_TRUE(feed(p.mc, request_octets<submit_sm>(), p.now).empty());
  EXPECT_FALSE(p.mc.has_output());
  EXPECT_EQ(p.mc.request(deliver_sm{}, p.now).error().code, errc::session_closed);
  EXPECT_EQ(p.mc.respond(1, submit_sm_resp{}).error().code, errc::session_closed);
  EXPECT_EQ(p.mc.reject(1, command_status::system_error).error().code, errc::session_closed);
  EXPECT_EQ(p.mc.accept_bind("mc", p.now).error().code, errc::session_closed);
  EXPECT_EQ(p.mc.refuse_bind(command_status::bind_failed).error().code, errc::session_closed);
  EXPECT_EQ(p.mc.next_deadline(), never);
  p.mc.on_time(p.now + 1h);
  p.mc.unbind(p.now);
  p.mc.disconnected({});
  EXPECT_TRUE(drain(p.mc).empty());
}
