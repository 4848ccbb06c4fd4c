#include "smppc/listen.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <fmt/format.h>

#include "msgkit/smpp/describe.hpp"

namespace msgkit::app {
namespace {

class listener final : public smpp::client_pool_handler {
 public:
  listener(asio::io_context& io, const listen_options& o) : io_(io), options_(o) {}

  void on_bound(smpp::client_pool&, std::size_t, smpp::bind_mode mode) override {
    bound_ = true;
    failures_ = 0;
    const auto* const which = mode == smpp::bind_mode::receiver ? " (rx)" : " (tx)";
    fmt::print(stderr, "bound{}\n", options_.target.mode == "pair" ? which : "");
  }
  void on_unbound(smpp::client_pool& pool, std::size_t, std::error_code reason, std::chrono::milliseconds retry_in,
                  std::span<const std::uint64_t>) override {
    if (reason) fmt::print(stderr, "unbound: {}\n", reason.message());
    const bool gives_up = options_.target.reconnect_attempts != 0 && ++failures_ > options_.target.reconnect_attempts;
    if (retry_in.count() >= 0 && gives_up) return leave(pool);
    if (retry_in.count() < 0 && pool.state().bound == 0) leave(pool);
  }
  void on_request(smpp::client_pool& pool, const smpp::pool_request& from, const smpp::pdu& m) override {
    fmt::print("{}\n", smpp::to_json(m));
    std::fflush(stdout);
    if (std::holds_alternative<smpp::deliver_sm>(m)) (void)pool.respond(from, smpp::deliver_sm_resp{});
    else if (std::holds_alternative<smpp::data_sm>(m)) (void)pool.respond(from, smpp::data_sm_resp{});
    else if (smpp::find_command(m.head.id)->has_response)
      (void)pool.reject(from, smpp::command_status::invalid_command_id);
    if (++count_ == options_.count) leave(pool);
  }

  void leave(smpp::client_pool& pool) {
    if (std::exchange(leaving_, true)) return;
    pool.stop([this] { io_.stop(); });
  }
  [[nodiscard]] int exit_code() const noexcept { return bound_ && count_ >= options_.count ? 0 : 1; }

 private:
  asio::io_context& io_;
  const listen_options& options_;
  std::uint64_t count_ = 0;
  std::uint32_t failures_ = 0;  // attempts in a row that did not end in a bind
  bool bound_ = false;
  bool leaving_ = false;
};

}  // namespace

int run_listen(listen_options& o) {
  auto problem = prepare(o.target);
  if (problem.empty() && o.target.mode == "tx") problem = "--mode: a transmitter receives nothing";
  if (!problem.empty()) {
    fmt::print(stderr, "smppc listen: {}\n", problem);
    return 2;
  }
  asio::io_context io(1);
  const auto work = std::make_shared<listener>(io, o);
  auto options = make_pool_options(o.target);
  options.client.reconnect = o.reconnect;
  const auto pool = smpp::client_pool::make(io.get_executor(), std::move(options), work);
  const auto leave = [&](std::error_code ec, auto...) {
    if (!ec) work->leave(*pool);
  };
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait(leave);
  asio::steady_timer timer(io);
  if (o.seconds > 0) {
    timer.expires_after(to_milliseconds(o.seconds));
    timer.async_wait(leave);
  }
  pool->start();
  io.run();
  return work->exit_code();
}

}  // namespace msgkit::app
