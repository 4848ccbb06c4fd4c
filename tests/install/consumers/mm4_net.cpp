// A client of the installed library sends a message to a server of it over loopback.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/mm4/net/client.hpp>
#include <msgkit/mm4/net/server.hpp>

namespace mm4 = msgkit::mm4;

struct relay final : mm4::server_handler {
  void on_message(std::shared_ptr<mm4::incoming> m) override { m->accept(); }
};

int main() {
  asio::io_context io;
  mm4::server_options listen;
  listen.accept.listen_port = 0;
  mm4::peer local{.name = "local"};
  local.networks = *msgkit::ip_ranges::parse({"127.0.0.1"});
  listen.peers = {local};
  mm4::server server(io.get_executor(), listen, std::make_shared<relay>());
  if (const auto error = server.listen()) {
    std::printf("listen: %s\n", error.message().c_str());
    return 1;
  }
  mm4::client_options options;
  options.connect.port = server.port();
  const auto client = mm4::client::make(io.get_executor(), options);
  mm4::forward_req m;
  m.transaction_id = m.message_id = "1";
  m.from = *mm4::parse_address("+12025550100");
  m.to = *mm4::parse_address_list("+12025550101");
  m.date = msgkit::wall_time{};
  const mm4::peer_profile profile{.domain = "a.example", .peer_domain = "b.example"};
  const auto mail = std::make_shared<const msgkit::byte_vector>(*mm4::encode(m, profile));
  bool works = false, done = false;
  const auto sent = client->send(mm4::make_envelope(m, profile), mail, [&](const mm4::delivery& d) {
    works = !d.error;
    done = true;
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (sent && !done && std::chrono::steady_clock::now() < deadline) io.run_one_for(std::chrono::seconds(1));
  std::puts(works ? "mm4_net works" : "mm4_net is broken");
  return works ? 0 : 1;
}
