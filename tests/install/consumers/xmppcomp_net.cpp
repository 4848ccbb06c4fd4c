// A component of the installed library shakes hands with a server of a few lines.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/core/net/acceptor.hpp>
#include <msgkit/xmppcomp/net/component.hpp>

namespace xmpp = msgkit::xmppcomp;

struct server final : msgkit::stream_handler {
  explicit server(std::shared_ptr<msgkit::stream> s) : stream(std::move(s)) {}
  void on_bytes(msgkit::bytes_view) override {
    stream->write(msgkit::as_bytes("<s:stream xmlns:s='http://etherx.jabber.org/streams' id='1'><handshake/>"));
    stream->flush();
  }
  void on_closed(std::error_code) override {}
  std::shared_ptr<msgkit::stream> stream;
};

struct quiet final : xmpp::component_handler {
  void on_stanza(xmpp::component&, const xmpp::element&) override {}
};

int main() {
  asio::io_context io;
  msgkit::acceptor acceptor(io.get_executor(), {}, {.on_stream = [](std::shared_ptr<msgkit::stream> s) {
    const auto handler = std::make_shared<server>(s);
    s->start(handler);
  }});
  if (const auto error = acceptor.listen()) {
    std::printf("listen: %s\n", error.message().c_str());
    return 1;
  }
  xmpp::component_options options;
  options.connect.port = acceptor.port();
  options.session.domain = "sms.example.org";
  const auto component = xmpp::component::make(io.get_executor(), options, std::make_shared<quiet>());
  component->start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!component->is_open() && std::chrono::steady_clock::now() < deadline) io.run_one_for(std::chrono::seconds(1));
  std::puts(component->is_open() ? "xmppcomp_net works" : "xmppcomp_net is broken");
  return component->is_open() ? 0 : 1;
}
