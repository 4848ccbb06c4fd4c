// Two sessions talk to each other in memory: no socket, no thread, no clock, no Asio. Whatever transport you have, this
// is all it takes to drive a session: feed octets, take events, send output, wake up at its deadline.
#include <cstdio>

#include "msgkit/smpp/session.hpp"

namespace smpp = msgkit::smpp;
using namespace std::chrono_literals;

// What a driver does whenever octets have arrived. Returns what has to be sent back.
template <class OnEvent>
msgkit::byte_vector step(smpp::session& s, msgkit::bytes_view arrived, msgkit::time_point now, OnEvent on_event) {
  s.feed(arrived, now);
  while (const auto e = s.next_event()) on_event(*e);
  return s.take_output();
}

int main() {
  msgkit::time_point now{};
  smpp::session client({.role = smpp::role::esme}, now);
  smpp::session centre({.role = smpp::role::mc}, now);
  std::string message_id;

  const auto at_centre = [&](const smpp::event& e) {
    if (e.kind == smpp::event_kind::bind_requested) (void)centre.accept_bind("centre", now);
    if (e.kind != smpp::event_kind::request) return;
    const auto& m = std::get<smpp::submit_sm>(*e.pdu);
    std::printf("centre: \"%s\"\n", std::string(m.short_message).c_str());
    (void)centre.respond(e.sequence, smpp::submit_sm_resp{.message_id = "42"});
  };
  const auto at_client = [&](const smpp::event& e) {
    if (e.kind == smpp::event_kind::bound)
      (void)client.request(smpp::submit_sm{.destination_addr = "447700900123", .short_message = "hello"}, now);
    if (e.kind != smpp::event_kind::response) return;
    message_id = std::get<smpp::submit_sm_resp>(*e.pdu).message_id;
    std::printf("client: accepted as %s\n", message_id.c_str());
    client.unbind(now);
  };

  (void)client.bind(smpp::bind_mode::transceiver, {.system_id = "client", .password = "secret"}, now);
  auto to_centre = client.take_output();
  while (!to_centre.empty()) {
    const auto to_client = step(centre, to_centre, now, at_centre);
    to_centre = step(client, to_client, now, at_client);
  }
  std::printf("both closed: %s\n", client.is_closed() && centre.is_closed() ? "yes" : "no");

  // Time is an argument too. A message centre waits thirty seconds for a bind.
  smpp::session quiet({.role = smpp::role::mc}, now);
  quiet.on_time(now + 31s);
  const bool gave_up = quiet.is_closed();
  std::printf("a peer that never binds is given up: %s\n", gave_up ? "yes" : "no");
  return message_id == "42" && client.is_closed() && centre.is_closed() && gave_up ? 0 : 1;
}
