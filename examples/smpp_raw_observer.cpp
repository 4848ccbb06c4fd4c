// Prints every PDU of one session as it passes, sent and received. For troubleshooting: message text is in there, and
// the password is in the bind.
//   smpp_raw_observer HOST PORT SYSTEM_ID PASSWORD TO TEXT
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"
#include "msgkit/smpp/net/client.hpp"

namespace smpp = msgkit::smpp;

struct printer final : smpp::pdu_observer {
  void on_pdu(smpp::direction d, const smpp::header& h, msgkit::bytes_view octets) override {
    const auto* const arrow = d == smpp::direction::sent ? "->" : "<-";
    std::printf("%s %s sequence %u, %zu octets\n", arrow, std::string(smpp::command_name(h.id)).c_str(), h.sequence,
                octets.size());
    if (const auto decoded = smpp::decode(octets)) std::printf("   %s\n", smpp::to_json(*decoded).c_str());
    else std::printf("   %s\n", msgkit::to_hex(octets).c_str());
  }
};

struct once final : smpp::client_handler {
  void on_bound(smpp::client& c) override {
    (void)c.request(smpp::submit_sm{.destination_addr = to, .short_message = text});
  }
  void on_outcome(smpp::client& c, const smpp::outcome& o) override {
    accepted = !o.error;
    c.stop();
  }
  std::string to, text;
  bool accepted = false;
};

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: smpp_raw_observer HOST PORT SYSTEM_ID PASSWORD TO TEXT\n");
    return 2;
  }
  asio::io_context io;
  smpp::client_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.system_id = argv[3], options.password = argv[4];
  options.reconnect = false;
  const auto handler = std::make_shared<once>();
  handler->to = argv[5], handler->text = argv[6];
  printer observer;  // lives as long as the client
  const auto client = smpp::client::make(io.get_executor(), options, handler);
  client->set_observer(&observer);
  client->start();
  io.run();
  return handler->accepted ? 0 : 1;
}
