// A loopback connection through the installed library: an acceptor, a connector and two streams.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/core/net/acceptor.hpp>
#include <msgkit/core/net/connector.hpp>

int main() {
  asio::io_context io;
  std::shared_ptr<msgkit::stream> accepted;
  std::shared_ptr<msgkit::stream> connected;
  const auto stop_when_both = [&] {
    if (accepted && connected) io.stop();
  };
  msgkit::acceptor acceptor(io.get_executor(), {}, {.on_stream = [&](std::shared_ptr<msgkit::stream> s) {
    accepted = std::move(s);
    stop_when_both();
  }});
  if (const auto error = acceptor.listen()) {
    std::printf("listen: %s\n", error.message().c_str());
    return 1;
  }
  msgkit::connect_options options;
  options.port = acceptor.port();
  msgkit::connector connector(io.get_executor());
  connector.connect(options, [&](std::error_code error, std::shared_ptr<msgkit::stream> s) {
    if (error) std::printf("connect: %s\n", error.message().c_str());
    connected = std::move(s);
    stop_when_both();
  });
  io.run_for(std::chrono::seconds(5));
  std::puts(accepted && connected ? "core_net works" : "core_net is broken");
  return accepted && connected ? 0 : 1;
}
