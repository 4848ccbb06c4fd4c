// Resolves a host, connects with a time limit, and hands out a stream. Reconnecting is the caller's loop, because only
// the caller knows when a connection has proven itself; backoff.hpp has the delays.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "msgkit/core/net/stream.hpp"

namespace msgkit {

struct connect_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::chrono::milliseconds timeout{10'000};  // for resolving and connecting together
  std::shared_ptr<tls_context> tls{};         // null: plain TCP
};

class connector {
 public:
  using handler = std::function<void(std::error_code, std::shared_ptr<stream>)>;

  explicit connector(asio::any_io_executor executor);
  ~connector();
  connector(const connector&) = delete;
  connector& operator=(const connector&) = delete;

  // Calls `done` once from the executor: with a stream that is not started yet, or with an error
  // (errc::timed_out, errc::canceled, or what the resolver or the system said). One attempt at a time.
  void connect(const connect_options& options, handler done);
  // Withdraws the attempt in progress, which then completes with errc::canceled.
  void cancel();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit
