// Binds over TLS, checks the message centre's certificate, and sends one short text.
//   smpp_tls HOST PORT SYSTEM_ID PASSWORD CA_FILE FROM TO TEXT
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/core/net/token.hpp"
#include "msgkit/smpp/net/client.hpp"

namespace smpp = msgkit::smpp;

asio::awaitable<void> send(std::shared_ptr<smpp::client> client, smpp::submit_sm message, bool& accepted) {
  auto [error] = co_await client->async_bind(msgkit::as_tuple);
  std::string message_id;
  if (!error) std::tie(error, message_id) = co_await client->async_submit(message, {}, msgkit::as_tuple);
  accepted = !error;
  if (error) std::fprintf(stderr, "%s\n", error.message().c_str());
  else std::printf("accepted as %s\n", message_id.c_str());
  client->stop();
}

int main(int argc, char** argv) {
  if (argc != 9) {
    std::fprintf(stderr, "usage: smpp_tls HOST PORT SYSTEM_ID PASSWORD CA_FILE FROM TO TEXT\n");
    return 2;
  }
  // Without a CA file the system's authorities count. HOST has to be in the certificate. A certificate_file and a
  // private_key_file of our own would go here too, for message centres that ask for one.
  const auto tls = msgkit::tls_context::make({.ca_file = argv[5]}, msgkit::tls_role::client);
  if (!tls) {
    std::fprintf(stderr, "%s: %s\n", std::string(tls.error().field).c_str(), tls.error().code.message().c_str());
    return 2;
  }
  asio::io_context io;
  smpp::client_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.connect.tls = *tls;
  options.system_id = argv[3], options.password = argv[4];
  options.reconnect = false;
  const auto client = smpp::client::make(io.get_executor(), options);
  bool accepted = false;
  const smpp::submit_sm message{.source_addr = argv[6], .destination_addr = argv[7], .short_message = argv[8]};
  asio::co_spawn(io, send(client, message, accepted), asio::detached);
  io.run();
  return accepted ? 0 : 1;
}
