// A server of the installed library answers a keepalive over loopback.
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <cstdio>
#include <msgkit/goip/net/server.hpp>

namespace goip = msgkit::goip;
using asio::ip::udp;

int main() {
  asio::io_context io;
  goip::server_options options;
  options.listen = {{.host = "127.0.0.1", .port = 0}};
  const auto server = goip::server::make(io.get_executor(), options, nullptr);
  if (const auto error = server->listen()) {
    std::printf("listen: %s\n", error.message().c_str());
    return 1;
  }
  const auto line = server->add_line({.id = "g1", .password = "secret"});
  udp::socket device(io, udp::endpoint(udp::v4(), 0));
  device.send_to(asio::buffer("req:1;id:g1;pass:secret;", 24),
                 udp::endpoint(asio::ip::make_address("127.0.0.1"), server->port()));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (server->session().counters().datagrams_sent == 0 && std::chrono::steady_clock::now() < deadline)
    io.run_one_for(std::chrono::seconds(1));
  const bool good = line && device.available() > 0;
  std::puts(good ? "goip_net works" : "goip_net is broken");
  return good ? 0 : 1;
}
