// Takes MMS from MM4 peers of this machine, prints what they hold, and acknowledges those that ask for it.
//   mm4_receive PORT [PEER HOST PEER PORT]      (0: any free port, printed)
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "msgkit/mm4/exchange.hpp"
#include "msgkit/mm4/net/client.hpp"
#include "msgkit/mm4/net/server.hpp"

namespace mm4 = msgkit::mm4;

struct receiver final : mm4::server_handler {
  void on_message(std::shared_ptr<mm4::incoming> m) override {
    const auto& profile = m->from_peer().profile;
    const auto r = exchange.receive(m->from_peer().name, m->message(), m->envelope().rcpt_to, profile, std::chrono::steady_clock::now());
    std::printf("%s", mm4::describe(m->message()).c_str());
    for (const auto* p : m->document().leaves()) {
      const auto octets = msgkit::mime::decode(*p, 10'000'000);
      std::printf("part %s, %zu octets\n", p->type.essence().c_str(), octets ? octets->size() : 0);
      if (p->type.type == "text") std::printf("text %s\n", msgkit::mime::decode_text(*p, 10'000).value_or("?").c_str());
    }
    std::printf("%s\n", r.is_new() ? "new" : "repeated");
    m->accept();  // after a real application has stored it
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto response = mm4::make_response(m->message(), r.respond_to, mm4::request_status::ok, profile, now);
    if (!response || !client) return;
    const auto mail = mm4::encode(*response, profile);
    if (!mail) return;
    (void)client->send(mm4::make_envelope(*response, profile), std::make_shared<const msgkit::byte_vector>(*mail), {});
  }
  void on_malformed(const mm4::peer&, const msgkit::fault& f) override { std::printf("refused: %s\n", f.code.message().c_str()); }

  mm4::exchange exchange;
  std::shared_ptr<mm4::client> client;
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context io;
  mm4::server_options options;
  if (argc > 1) options.accept.listen_port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  mm4::peer local{.name = "local", .profile = {.domain = "mms.own.example"}};
  local.networks = *msgkit::ip_ranges::parse({"127.0.0.0/8", "::1"});
  options.peers = {local};
  const auto handler = std::make_shared<receiver>();
  if (argc > 3) {
    mm4::client_options to_peer;
    to_peer.connect.host = argv[2];
    to_peer.connect.port = static_cast<std::uint16_t>(std::atoi(argv[3]));
    handler->client = mm4::client::make(io.get_executor(), to_peer);
  }
  mm4::server server(io.get_executor(), options, handler);
  if (const auto ec = server.listen()) {
    std::fprintf(stderr, "%s\n", ec.message().c_str());
    return 1;
  }
  std::printf("listening on port %u\n", unsigned{server.port()});
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code, int) {
    server.stop();
    if (handler->client) handler->client->stop();
  });
  io.run();
}
