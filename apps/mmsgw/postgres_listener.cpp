#include "mmsgw/postgres_listener.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/log.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"postgres"};
constexpr std::chrono::seconds pause{5};  // between attempts to connect

}  // namespace

postgres_listener::postgres_listener(asio::any_io_executor executor, postgres_options options, std::string instance,
                                     std::function<void()> on_call)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      instance_(std::move(instance)),
      on_call_(std::move(on_call)),
      timer_(executor_) {}

postgres_listener::~postgres_listener() { *alive_ = false; }

void postgres_listener::start() {
  socket_.reset();
  std::string why;
  connection_ = engine::postgres_connection::open(options_.dsn, options_.password, options_.connect_timeout,
                                                  options_.statement_timeout, why);
  const std::string listen = "LISTEN " + std::string(call_channel);
  if (connection_ && !connection_->script(listen.c_str())) {
    why = connection_->error().text;
    connection_.reset();
  }
  const int copy = connection_ ? ::dup(connection_->socket()) : -1;
  if (copy < 0) {
    log_.warn("other processes are not heard", {{"reason", why}});
    return start_later();
  }
  socket_ = std::make_unique<asio::posix::stream_descriptor>(executor_, copy);
  on_call_();
  wait();
}

void postgres_listener::wait() {
  socket_->async_wait(asio::posix::stream_descriptor::wait_read, [this, alive = alive_](std::error_code ec) {
    if (ec || !*alive) return;
    const auto calls = connection_->notifications();
    if (!connection_->sound()) {
      log_.warn("other processes are not heard", {{"reason", connection_->error().text}});
      return start_later();
    }
    if (std::ranges::any_of(calls, [&](const std::string& who) { return who != instance_; })) on_call_();
    wait();
  });
}

void postgres_listener::start_later() {
  socket_.reset();
  connection_.reset();
  timer_.expires_after(pause);
  timer_.async_wait([this, alive = alive_](std::error_code ec) {
    if (!ec && *alive) start();
  });
}

}  // namespace msgkit::app::mms
