// Sends one short text and waits until the message centre says what became of it.
//   smpp_send_receipt HOST PORT SYSTEM_ID PASSWORD FROM TO TEXT
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/smpp/message.hpp"
#include "msgkit/smpp/net/client.hpp"

namespace smpp = msgkit::smpp;

// Handler style: one object hears everything about the bind.
struct sender final : smpp::client_handler {
  void on_bound(smpp::client& c) override {
    const auto sent = c.request(smpp::submit_sm{.source_addr = from,
                                                .destination_addr = to,
                                                .registered_delivery = smpp::registered::final_receipt,
                                                .short_message = text});
    if (!sent) fail(c, sent.error().code);
  }
  void on_outcome(smpp::client& c, const smpp::outcome& o) override {
    if (o.error) return fail(c, o.error);
    message_id = std::get<smpp::submit_sm_resp>(*o.response).message_id;
    std::printf("accepted as %s\n", message_id.c_str());
  }
  void on_request(smpp::client& c, const smpp::pdu& m) override {
    const auto* deliver = std::get_if<smpp::deliver_sm>(&m);
    if (deliver == nullptr) return void(c.reject(m.head.sequence, smpp::command_status::invalid_command_id));
    (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
    if (!smpp::is_receipt(deliver->esm_class)) return;
    const auto receipt = smpp::read_receipt(*deliver);  // text, payload and TLVs
    if (!receipt || receipt->id != message_id) return;
    std::printf("receipt: %s\n", receipt->stat.c_str());
    delivered = receipt->state == smpp::message_state::delivered;
    c.stop();
  }
  void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds) override {
    if (reason) std::fprintf(stderr, "%s\n", reason.message().c_str());
    patience->cancel();
  }
  static void fail(smpp::client& c, std::error_code why) {
    std::fprintf(stderr, "%s\n", why.message().c_str());
    c.stop();
  }
  std::string from, to, text, message_id;
  asio::steady_timer* patience = nullptr;
  bool delivered = false;
};

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: smpp_send_receipt HOST PORT SYSTEM_ID PASSWORD FROM TO TEXT\n");
    return 2;
  }
  asio::io_context io;
  asio::steady_timer patience(io, std::chrono::seconds(60));
  const auto handler = std::make_shared<sender>();
  handler->from = argv[5], handler->to = argv[6], handler->text = argv[7];
  handler->patience = &patience;
  smpp::client_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.system_id = argv[3], options.password = argv[4];
  options.reconnect = false;
  const auto client = smpp::client::make(io.get_executor(), options, handler);
  client->start();
  patience.async_wait([&](std::error_code ec) {
    if (!ec) client->stop();
  });
  io.run();
  return handler->delivered ? 0 : 1;
}
