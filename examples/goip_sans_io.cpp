// A device and a server talk to each other in memory: no socket, no thread, no clock. This is all that a driver does:
// feed datagrams, take events, send output, wake up at the deadline.
#include <cstdio>

#include "msgkit/goip/session.hpp"

namespace goip = msgkit::goip;
using namespace std::chrono_literals;

int main() {
  msgkit::time_point now{};
  goip::session server({}, 42);  // in earnest: a seed from a random device
  const auto line = server.add_line({.id = "g1", .password = "secret"});
  if (!line) return 2;
  const auto device = goip::endpoint::ipv4(192, 0, 2, 7, 10991);
  const auto say = [&](std::string_view datagram) {
    std::printf("device: %.*s\n", static_cast<int>(datagram.size()), datagram.data());
    server.feed(device, msgkit::as_bytes(datagram), now);
  };
  const auto listen = [&] {
    for (const auto& d : server.output()) {
      const auto text = msgkit::as_text(d.octets);
      std::printf("server: %.*s\n", static_cast<int>(text.size()), text.data());
    }
    server.clear_output();
  };

  say("req:1;id:g1;pass:secret;num:+37255512345;signal:25;gsm_status:LOGIN;");
  listen();
  say("RECEIVE:1571812849;id:g1;password:secret;srcnum:Bank;msg:Your code is 4711; keep it secret");
  listen();  // silence: nobody has kept the message yet

  bool received = false;
  while (const auto e = server.next_event()) {
    const auto* sms = std::get_if<goip::sms_received>(&*e);
    if (sms == nullptr) continue;
    std::printf("stored: from %s: %s\n", sms->source.c_str(), sms->text.c_str());
    received = server.acknowledge(sms->token);  // now that it is on disk
  }
  listen();

  now += 100s;  // time is an argument: three keepalives are missing by now
  server.on_time(now);
  const bool dead = server.status(*line)->state == goip::line_state::dead;
  std::printf("line g1 is %s\n", goip::to_string(server.status(*line)->state).data());
  return received && dead ? 0 : 1;
}
