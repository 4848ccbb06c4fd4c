#include "smppc/listen.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <fmt/format.h>

#include "msgkit/smpp/describe.hpp"

namespace msgkit::app {
namespace {

class listener final : public smpp::client_handler {
 public:
  listener(asio::io_context& io, const listen_options& o) : io_(io), options_(o) {}

  void on_bound(smpp::client&) override {
    bound_ = true;
    fmt::print(stderr, "bound\n");
  }
  void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    if (reason) fmt::print(stderr, "unbound: {}\n", reason.message());
    if (retry_in.count() < 0) io_.stop();
  }
  void on_request(smpp::client& c, const smpp::pdu& m) override {
    fmt::print("{}\n", smpp::to_json(m));
    std::fflush(stdout);
    if (std::holds_alternative<smpp::deliver_sm>(m)) (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
    else if (std::holds_alternative<smpp::data_sm>(m)) (void)c.respond(m.head.sequence, smpp::data_sm_resp{});
    else if (smpp::find_command(m.head.id)->has_response)
      (void)c.reject(m.head.sequence, smpp::command_status::invalid_command_id);
    if (++count_ == options_.count) c.stop();
  }

  [[nodiscard]] int exit_code() const noexcept { return bound_ && count_ >= options_.count ? 0 : 1; }

 private:
  asio::io_context& io_;
  const listen_options& options_;
  std::uint64_t count_ = 0;
  bool bound_ = false;
};

}  // namespace

int run_listen(const listen_options& o) {
  if (const auto problem = problem_with(o.target); !problem.empty()) {
    fmt::print(stderr, "smppc listen: {}\n", problem);
    return 2;
  }
  asio::io_context io(1);
  const auto work = std::make_shared<listener>(io, o);
  auto options = make_client_options(o.target);
  options.reconnect = o.reconnect;
  const auto client = smpp::client::make(io.get_executor(), std::move(options), work);
  pdu_dumper dumper;
  if (o.target.dump) client->set_observer(&dumper);
  const auto leave = [&](std::error_code ec, auto...) {
    if (!ec) client->stop([&io] { io.stop(); });
  };
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait(leave);
  asio::steady_timer timer(io);
  if (o.seconds > 0) {
    timer.expires_after(std::chrono::milliseconds(static_cast<std::int64_t>(o.seconds * 1000)));
    timer.async_wait(leave);
  }
  client->start();
  io.run();
  return work->exit_code();
}

}  // namespace msgkit::app
