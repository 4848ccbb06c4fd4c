// A keepalive through the installed session.
#include <cstdio>
#include <msgkit/goip/session.hpp>

namespace goip = msgkit::goip;

int main() {
  goip::session session({}, 1);
  const auto line = session.add_line({.id = "g1", .password = "secret"});
  if (!line) return 1;
  const auto device = goip::endpoint::ipv4(127, 0, 0, 1, 10991);
  session.feed(device, msgkit::as_bytes("req:1;id:g1;pass:secret;num:;signal:20;"), msgkit::time_point{});
  const auto output = session.output();
  const bool good = output.size() == 1 && msgkit::as_text(output[0].octets) == "reg:1;status:200;";
  std::puts(good ? "goip works" : "goip is broken");
  return good ? 0 : 1;
}
