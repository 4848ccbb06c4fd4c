// HTTP/1.1 server over libcore's streams: sessions of http_session on an acceptor's connections, served by a router.
//
// Each connection stays on the executor that `place` chose. Responses of pipelined requests leave in one write.
// A peer that does not read its responses stops being read from, and is cut after `write_timeout` without progress.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "common/http_router.hpp"
#include "common/http_session.hpp"
#include "msgkit/core/net/acceptor.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app {

// One answered request, for access logs and metrics. Views are valid during the call.
struct http_exchange {
  std::string_view method{};   // empty when the head could not be read
  std::string_view pattern{};  // of the route; empty without one
  std::string_view peer{};
  unsigned status = 0;
  std::chrono::nanoseconds duration{0};  // from complete request to response
};

struct http_server_options {
  acceptor_options listen{};
  http_limits limits{};
  std::size_t unsent_bytes_max = 1024 * 1024;  // beyond, reading pauses
  std::chrono::milliseconds write_timeout{30'000};
  // Chooses the executor of the next connection; empty: the server's own. As acceptor::callbacks::place.
  std::function<asio::any_io_executor()> place{};
  ip_ranges trusted_proxies{};  // whose X-Forwarded-For becomes http_request::peer
  // Called on the connection's executor; with several executors it must be thread-safe.
  std::function<void(const http_exchange&)> on_exchange{};
  // A handler threw; the client got 500.
  std::function<void(std::string_view pattern, std::string_view what)> on_handler_error{};
};

// Not thread-safe: use from the executor given at construction. The destructor closes everything at once.
class http_server {
 public:
  http_server(asio::any_io_executor executor, std::shared_ptr<const http_router> router, http_server_options options);
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  // Errors: what the system says, e.g. std::errc::address_in_use.
  std::error_code listen();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connection_count() const noexcept;

  // Stops accepting, answers what is in progress with Connection: close, and calls `done` once, from any executor,
  // when the last connection has gone.
  void drain(std::function<void()> done);
  // Stops accepting and closes every connection now.
  void close();

  struct core;  // opaque

 private:
  std::shared_ptr<core> core_;
};

}  // namespace msgkit::app
