// A connected octet stream over TCP or TLS, the transport under every session driver.
//
// Writes coalesce: whatever is queued while a write is in flight leaves in the next one, and flush() tries the socket
// directly before it waits. An idle plain stream owns no read buffer; all streams of a thread read into one.
// Thread-safety: none. A stream belongs to the io_context of its socket, which one thread runs.
#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/net/peer_address.hpp"
#include "msgkit/core/net/tls.hpp"

namespace msgkit {

class stream_handler {
 public:
  virtual ~stream_handler() = default;
  // `octets` are valid during the call only. Called from the io_context, never from inside another stream method.
  virtual void on_bytes(bytes_view octets) = 0;
  // Everything queued has been handed to the kernel.
  virtual void on_drained() {}
  // Exactly once, after which the stream calls nothing and drops its reference to the handler. A clean end of the
  // peer's data arrives as asio::error::eof.
  virtual void on_closed(std::error_code reason) = 0;
};

class stream : public std::enable_shared_from_this<stream> {
 public:
  virtual ~stream() = default;
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  static std::shared_ptr<stream> make_plain(asio::ip::tcp::socket socket, peer_address peer);
  // The handshake begins with start(); what is written before it completes waits. For a client `server_name` is sent
  // as SNI and, when the context verifies, must match the certificate.
  static std::shared_ptr<stream> make_tls(asio::ip::tcp::socket socket, peer_address peer,
                                          std::shared_ptr<tls_context> context, tls_role role,
                                          const std::string& server_name = {});

  // Begins reading. The handler is kept alive until on_closed() has returned, or until the io_context is destroyed
  // before that. Call once.
  virtual void start(std::shared_ptr<stream_handler> handler) = 0;

  // Queues octets; nothing leaves before flush(). Octets written after close() are dropped.
  virtual void write(bytes_view octets) = 0;
  virtual void flush() = 0;
  // Octets queued and not yet accepted by the kernel: the caller's measure of a peer that does not read.
  [[nodiscard]] virtual std::size_t pending_bytes() const noexcept = 0;

  // Back-pressure towards the peer: with reading paused TCP's window closes by itself.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Flushes what is queued, then closes. on_closed() follows.
  virtual void close_after_flush() = 0;
  // Closes at once; on_closed(reason) follows from the io_context.
  virtual void close(std::error_code reason) = 0;

  // For STARTTLS: gives the connection of a plain stream to a new TLS stream, to be started with a handler, and leaves
  // this one as if closed; its handler is not told. Everything queued must have left: pending_bytes() is 0.
  // Null when that is not so, or the stream cannot be turned into TLS.
  [[nodiscard]] virtual std::shared_ptr<stream> upgrade_to_tls(std::shared_ptr<tls_context> context, tls_role role,
                                                               const std::string& server_name = {}) {
    (void)context, (void)role, (void)server_name;
    return nullptr;
  }

  [[nodiscard]] virtual asio::any_io_executor executor() = 0;
  [[nodiscard]] const peer_address& peer() const noexcept { return peer_; }
  // Whatever the stream shall keep alive until it is destroyed, e.g. a connection counter's token.
  void attach(std::shared_ptr<void> token) { token_ = std::move(token); }
  // Subject of the verified client certificate, empty without one.
  [[nodiscard]] virtual std::string certificate_subject() const { return {}; }

 protected:
  explicit stream(peer_address peer) : peer_(std::move(peer)) {}
  std::shared_ptr<void> detach() noexcept { return std::move(token_); }

 private:
  peer_address peer_;
  std::shared_ptr<void> token_;
};

}  // namespace msgkit
