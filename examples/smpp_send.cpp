// Binds to a message centre and sends one text, in as many parts as it takes.
//   smpp_send HOST PORT SYSTEM_ID PASSWORD FROM TO TEXT
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/core/net/token.hpp"
#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace smpp = msgkit::smpp;

asio::awaitable<void> send(std::shared_ptr<smpp::client> client, std::string from, std::string to, std::string text,
                           bool& accepted) {
  const auto choice = smpp::choose_coding(text);  // GSM 7-bit if it can say all of it, else UCS-2
  const auto cut = smpp::split_text(text, choice.coding);
  auto [error] = co_await client->async_bind(msgkit::as_tuple);
  if (!error && !cut) error = cut.error().code;
  for (std::size_t i = 0; !error && i < cut->parts.size(); ++i) {
    const smpp::submit_sm part{.source_addr = from,
                               .destination_addr = to,
                               .esm_class = cut->has_header ? smpp::esm::udh_indicator : std::uint8_t{0},
                               .registered_delivery = smpp::registered::final_receipt,
                               .data_coding = choice.data_coding,
                               .short_message = msgkit::as_text(cut->parts[i].octets)};
    std::string message_id;
    std::tie(error, message_id) = co_await client->async_submit(part, {}, msgkit::as_tuple);
    if (!error) std::printf("part %zu of %zu is %s\n", i + 1, cut->parts.size(), message_id.c_str());
    accepted = !error && i + 1 == cut->parts.size();
  }
  if (error) std::fprintf(stderr, "%s\n", error.message().c_str());
  client->stop();
}

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: smpp_send HOST PORT SYSTEM_ID PASSWORD FROM TO TEXT\n");
    return 2;
  }
  asio::io_context io;
  smpp::client_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.system_id = argv[3];
  options.password = argv[4];
  options.reconnect = false;
  const auto client = smpp::client::make(io.get_executor(), options);
  client->start();
  bool accepted = false;
  asio::co_spawn(io, send(client, argv[5], argv[6], argv[7], accepted), asio::detached);
  io.run();
  return accepted ? 0 : 1;
}
