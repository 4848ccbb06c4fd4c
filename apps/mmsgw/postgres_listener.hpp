// Hears at once when another process on the same PostgreSQL has left something to do, over a connection of its own. One
// executor; connecting blocks it, for connect_timeout at most.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "engine/postgres_connection.hpp"
#include "mmsgw/database.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app::mms {

class postgres_listener {
 public:
  // `instance` is what this process calls with, which it does not hear. `on_call` also runs whenever calls may have
  // been missed.
  postgres_listener(asio::any_io_executor executor, postgres_options options, std::string instance,
                    std::function<void()> on_call);
  ~postgres_listener();
  postgres_listener(const postgres_listener&) = delete;
  postgres_listener& operator=(const postgres_listener&) = delete;

  // Connects, and again whenever the connection is lost.
  void start();

 private:
  void wait();
  void start_later();

  asio::any_io_executor executor_;
  postgres_options options_;
  std::string instance_;
  std::function<void()> on_call_;
  driver_timer timer_;
  std::unique_ptr<engine::postgres_connection> connection_;
  std::unique_ptr<asio::posix::stream_descriptor> socket_;  // a duplicate: libpq owns the other one
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace msgkit::app::mms
