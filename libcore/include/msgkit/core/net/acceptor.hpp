// Listens, applies connection limits, reads PROXY headers, and hands out streams.
//
// When the process runs out of descriptors it pauses accepting and tries again; connections it already has go on.
// Thread-safety: none; use from the executor given at construction.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "msgkit/core/net/stream.hpp"

namespace msgkit {

struct acceptor_options {
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 0;             // 0: any free port, see port()
  std::size_t connections_max = 10'000;      // further connections are closed at once
  std::size_t connections_per_address_max = 10'000;
  bool proxy_protocol = false;               // every connection must begin with a PROXY v1 or v2 header
  std::chrono::milliseconds proxy_header_timeout{5'000};
  std::shared_ptr<tls_context> tls{};        // null: plain TCP
};

enum class refusal { connections_max, connections_per_address_max, proxy_header, out_of_descriptors };

class acceptor {
 public:
  struct callbacks {
    // A new stream, not started yet. Runs on the executor that `place` chose for the connection.
    std::function<void(std::shared_ptr<stream>)> on_stream;
    // A connection was refused before it became a stream. Runs on the acceptor's executor.
    std::function<void(refusal, const peer_address&)> on_refused{};
    // Chooses the executor of the next connection; empty: the acceptor's own. Each must belong to a context that one
    // thread runs.
    std::function<asio::any_io_executor()> place{};
  };

  acceptor(asio::any_io_executor executor, acceptor_options options, callbacks calls);
  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  // Binds and begins to accept. Errors: what the system says, e.g. std::errc::address_in_use.
  std::error_code listen();
  // Stops accepting; streams handed out stay open.
  void stop();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connection_count() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit
