// A server and a client of the installed library bind over loopback.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/smpp/net/client.hpp>
#include <msgkit/smpp/net/server.hpp>

namespace smpp = msgkit::smpp;

struct smsc final : smpp::server_handler {
  void on_bind(smpp::connection& c, const smpp::pdu&) override { (void)c.accept_bind("smsc"); }
  void on_request(smpp::connection& c, const smpp::pdu& m) override {
    (void)c.reject(m.head.sequence, smpp::command_status::system_error);
  }
  void on_outcome(smpp::connection&, const smpp::outcome&) override {}
  void on_closed(smpp::connection&, std::error_code) override {}
};

int main() {
  asio::io_context io;
  smpp::server_options listen;
  listen.accept.listen_port = 0;
  smpp::server server(io.get_executor(), listen, std::make_shared<smsc>());
  if (const auto error = server.listen()) {
    std::printf("listen: %s\n", error.message().c_str());
    return 1;
  }
  smpp::client_options options;
  options.connect.port = server.port();
  options.system_id = "consumer";
  const auto client = smpp::client::make(io.get_executor(), options);
  client->start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!client->is_bound() && std::chrono::steady_clock::now() < deadline) io.run_one_for(std::chrono::seconds(1));
  std::puts(client->is_bound() ? "smpp_net works" : "smpp_net is broken");
  return client->is_bound() ? 0 : 1;
}
