// A message centre that accepts every bind and sends each message back to its sender.
//   smpp_echo_server PORT      (0: any free port, printed)
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>

#include "msgkit/smpp/net/server.hpp"

namespace smpp = msgkit::smpp;

struct echo final : smpp::server_handler {
  void on_connected(smpp::connection& c) override { open.insert(&c); }
  void on_bind(smpp::connection& c, const smpp::pdu& bind) override {
    const auto who = smpp::view_bind(bind);
    std::printf("bind of %.*s from %s\n", static_cast<int>(who.parameters.system_id.size()),
                who.parameters.system_id.data(), c.peer().to_string().c_str());
    (void)c.accept_bind("echo");
  }
  void on_request(smpp::connection& c, const smpp::pdu& m) override {
    const auto* submit = std::get_if<smpp::submit_sm>(&m);
    if (submit == nullptr) return void(c.reject(m.head.sequence, smpp::command_status::invalid_command_id));
    (void)c.respond(m.head.sequence, smpp::submit_sm_resp{.message_id = std::to_string(++count)});
    // A transmitter cannot be sent anything; the session says so, and we leave it at that.
    (void)c.request(smpp::deliver_sm{.source_addr_ton = submit->dest_addr_ton,
                                     .source_addr_npi = submit->dest_addr_npi,
                                     .source_addr = submit->destination_addr,
                                     .dest_addr_ton = submit->source_addr_ton,
                                     .dest_addr_npi = submit->source_addr_npi,
                                     .destination_addr = submit->source_addr,
                                     .esm_class = submit->esm_class,
                                     .data_coding = submit->data_coding,
                                     .short_message = submit->short_message,
                                     .tlvs = submit->tlvs});
  }
  void on_outcome(smpp::connection&, const smpp::outcome& o) override {
    if (o.error) std::fprintf(stderr, "echo refused: %s\n", o.error.message().c_str());
  }
  void on_closed(smpp::connection& c, std::error_code) override { open.erase(&c); }

  std::unordered_set<smpp::connection*> open;
  std::uint64_t count = 0;
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context io;
  smpp::server_options options;
  if (argc > 1) options.accept.listen_port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const auto handler = std::make_shared<echo>();
  smpp::server server(io.get_executor(), options, handler);
  if (const auto ec = server.listen()) {
    std::fprintf(stderr, "%s\n", ec.message().c_str());
    return 1;
  }
  std::printf("listening on port %u\n", unsigned{server.port()});
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code, int) {
    server.stop();
    for (auto* c : handler->open) c->unbind();
  });
  io.run();
}
