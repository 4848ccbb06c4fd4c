// A relay of the installed library dials brokers that are not there, says so, and stops.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/bridge/net/relay_driver.hpp>

namespace bridge = msgkit::bridge;

int main() {
  asio::io_context io;
  int down = 0;
  bridge::relay_driver_options options;
  options.mqtt.port = options.redis.port = 1;  // nobody listens there
  options.on_link = [&](bridge::link, bool up, std::string_view) { down += up ? 0 : 1; };
  bridge::relay_driver relay(io.get_executor(), {}, {}, options);
  relay.start();
  while (down < 2) io.run_one();
  relay.stop(std::chrono::milliseconds(0), [] {});
  io.run();
  std::puts("bridge_net works");
  return 0;
}
