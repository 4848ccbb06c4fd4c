// Sends many messages over several binds as one: least-loaded bind first, a common pace, throttled messages again.
//   smpp_client_pool HOST PORT SYSTEM_ID PASSWORD TO COUNT
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/smpp/net/client_pool.hpp"

namespace smpp = msgkit::smpp;
using namespace std::chrono_literals;

struct bulk final : smpp::client_pool_handler {
  void on_bound(smpp::client_pool& pool, std::size_t member, smpp::bind_mode mode) override {
    std::printf("bind %zu: %s\n", member, mode == smpp::bind_mode::receiver ? "receiver" : "transmitter");
    send(pool);
  }
  void on_unbound(smpp::client_pool& pool, std::size_t member, std::error_code reason, std::chrono::milliseconds retry_in,
                  std::span<const std::uint64_t> unanswered) override {
    if (!reason) return;
    std::printf("bind %zu lost: %s; %zu messages may or may not have arrived\n", member, reason.message().c_str(),
                unanswered.size());
    if (retry_in < 0ms) pool.stop();
  }
  void on_request(smpp::client_pool& pool, const smpp::pool_request& from, const smpp::pdu& m) override {
    if (std::holds_alternative<smpp::deliver_sm>(m)) ++receipts, (void)pool.respond(from, smpp::deliver_sm_resp{});
    leave_when_done(pool);
  }
  void on_outcome(smpp::client_pool& pool, const smpp::outcome& o) override {
    ++(o.error ? failed : accepted);
    leave_when_done(pool);
  }
  void on_ready(smpp::client_pool& pool) override { send(pool); }  // the queue has room again

  void send(smpp::client_pool& pool) {
    for (; sent < count; ++sent) {
      const auto text = "message " + std::to_string(sent + 1);
      const smpp::submit_sm m{.destination_addr = to,
                              .registered_delivery = smpp::registered::final_receipt,
                              .short_message = text};
      if (!pool.request(m, {.cookie = sent})) return;
    }
  }
  void leave_when_done(smpp::client_pool& pool) const {
    if (accepted + failed == count && receipts >= accepted) pool.stop();
  }

  std::string to;
  std::uint64_t count = 0, sent = 0, accepted = 0, failed = 0, receipts = 0;
};

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: smpp_client_pool HOST PORT SYSTEM_ID PASSWORD TO COUNT\n");
    return 2;
  }
  asio::io_context io;
  smpp::client_pool_options options{.binds = 2,
                                    .pairs = true,
                                    .rate = {.per_second = 2'000},  // halved when the peer says it is too fast
                                    .throttled_retry_max = 30s};
  options.client.connect.host = argv[1];
  options.client.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.client.system_id = argv[3], options.client.password = argv[4];
  options.client.give_up_on_bad_credentials = true;
  const auto handler = std::make_shared<bulk>();
  handler->to = argv[5], handler->count = std::strtoull(argv[6], nullptr, 10);
  const auto pool = smpp::client_pool::make(io.get_executor(), options, handler);
  pool->start();
  io.run();
  std::printf("%llu accepted, %llu failed, %llu receipts\n", static_cast<unsigned long long>(handler->accepted),
              static_cast<unsigned long long>(handler->failed), static_cast<unsigned long long>(handler->receipts));
  return handler->accepted == handler->count ? 0 : 1;
}
