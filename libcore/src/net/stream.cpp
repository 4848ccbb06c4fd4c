#include "msgkit/core/net/stream.hpp"

#include <algorithm>
#include <array>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <asio/ssl/error.hpp>
#include <asio/ssl/host_name_verification.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include "msgkit/core/error.hpp"

namespace msgkit {

namespace {

using asio::ip::tcp;

constexpr std::size_t read_chunk_bytes = 64 * 1024;
constexpr std::size_t kept_capacity_bytes = 4 * 1024;  // an emptied queue keeps no more than this

bytes_view unsent(const byte_vector& queue, std::size_t sent) { return bytes_view{queue}.subspan(sent); }

// Queue of octets with a read position; gives big blocks back once it is empty, so that idle sessions stay small.
class out_queue {
 public:
  void push(bytes_view octets) { append(queue_, octets); }
  [[nodiscard]] bytes_view front() const noexcept { return unsent(queue_, sent_); }
  [[nodiscard]] bool empty() const noexcept { return sent_ == queue_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size() - sent_; }
  void pop(std::size_t count) {
    sent_ += count;
    if (!empty()) return forget_sent();
    sent_ = 0;
    if (queue_.capacity() > kept_capacity_bytes) byte_vector{}.swap(queue_);
    else queue_.clear();
  }

 private:
  // A peer that reads slowly but steadily may never let the queue run empty. Moves at most as much as was sent before.
  void forget_sent() {
    if (sent_ < kept_capacity_bytes || sent_ < size()) return;
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }

  byte_vector queue_;
  std::size_t sent_ = 0;
};

bool is_ip_address(const std::string& name) {
  std::error_code ec;
  asio::ip::make_address(name, ec);
  return !ec;
}

class plain_stream final : public stream {
 public:
  plain_stream(tcp::socket socket, peer_address peer)
      : stream(std::move(peer)), executor_(socket.get_executor()), socket_(std::move(socket)) {
    std::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  void start(std::shared_ptr<stream_handler> handler) override {
    handler_ = handler;
    wait_read(std::move(handler));
    flush();
  }

  void write(bytes_view octets) override {
    if (!closing_) out_.push(octets);
  }

  void flush() override {
    if (waiting_write_ || closed_ || out_.empty()) return;
    std::error_code ec;
    const auto front = out_.front();
    const auto count = socket_.write_some(asio::buffer(front.data(), front.size()), ec);
    out_.pop(count);
    if (ec && ec != asio::error::would_block && ec != asio::error::try_again) return close(ec);
    if (out_.empty()) return drained();
    waiting_write_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared(this)](std::error_code e) {
      self->waiting_write_ = false;
      if (e) return self->close(e);
      const bool was_closed = self->closed_;
      self->flush();
      if (was_closed || !self->out_.empty()) return;
      if (const auto handler = self->handler_.lock()) handler->on_drained();
    });
  }

  std::size_t pending_bytes() const noexcept override { return out_.size(); }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    if (!std::exchange(paused_, false)) return;
    if (auto handler = std::exchange(held_, nullptr)) wait_read(std::move(handler));
  }

  void close_after_flush() override {
    if (closing_) return;
    closing_ = true;
    flush();
    if (out_.empty()) close({});
  }

  void close(std::error_code reason) override {
    if (closed_) return;
    closing_ = closed_ = true;
    std::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    asio::post(socket_.get_executor(), [self = shared(this), handler = handler_.lock(), reason] {
      self->handler_.reset();
      if (handler) handler->on_closed(reason);
    });
    held_.reset();
  }

  std::shared_ptr<stream> upgrade_to_tls(std::shared_ptr<tls_context> context, tls_role role,
                                         const std::string& server_name) override {
    if (closing_ || !out_.empty()) return nullptr;
    closing_ = closed_ = true;
    std::error_code ignored;
    socket_.cancel(ignored);  // whoever waits finds the stream closed and stays silent
    handler_.reset();
    held_.reset();
    auto upgraded = make_tls(std::move(socket_), peer(), std::move(context), role, server_name);
    upgraded->attach(detach());
    return upgraded;
  }

  asio::any_io_executor executor() override { return executor_; }

 private:
  template <class Self>
  static std::shared_ptr<Self> shared(Self* self) {
    return std::static_pointer_cast<Self>(self->shared_from_this());
  }

  void drained() {
    if (closing_) close({});
  }

  // The operation under way is what keeps the handler alive, so that nothing is left over when the io_context goes
  // away first; while reading is paused there is none, and `held_` does it.
  void wait_read(std::shared_ptr<stream_handler> handler) {
    if (closed_) return;
    if (paused_) {
      held_ = std::move(handler);
      return;
    }
    socket_.async_wait(tcp::socket::wait_read, [self = shared(this), h = std::move(handler)](std::error_code ec) mutable {
      if (ec) return self->close(ec);
      self->read(std::move(h));
    });
  }

  void read(std::shared_ptr<stream_handler> handler) {
    // One buffer a thread: the handler consumes the octets before the next stream is served.
    thread_local std::array<std::uint8_t, read_chunk_bytes> chunk;
    if (closed_ || paused_) return wait_read(std::move(handler));
    std::error_code ec;
    const auto count = socket_.read_some(asio::buffer(chunk), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) return wait_read(std::move(handler));
    if (ec) return close(ec);
    if (!closing_) handler->on_bytes(bytes_view{chunk.data(), count});
    wait_read(std::move(handler));
  }

  asio::any_io_executor executor_;
  tcp::socket socket_;
  std::weak_ptr<stream_handler> handler_;
  std::shared_ptr<stream_handler> held_;
  out_queue out_;
  bool waiting_write_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool closed_ = false;
};

class tls_stream final : public stream {
 public:
  tls_stream(tcp::socket socket, peer_address peer, std::shared_ptr<tls_context> context, tls_role role,
             const std::string& server_name)
      : stream(std::move(peer)),
        context_(context->current()),
        ssl_(std::move(socket), *context_),
        timer_(ssl_.get_executor()),
        handshake_timeout_(context->options().handshake_timeout),
        role_(role) {
    std::error_code ignored;
    ssl_.next_layer().set_option(tcp::no_delay(true), ignored);
    if (role == tls_role::client && !server_name.empty()) {
      // RFC 6066 section 3: literal addresses are not sent as SNI; servers may refuse those who do.
      if (!is_ip_address(server_name)) SSL_set_tlsext_host_name(ssl_.native_handle(), server_name.c_str());
      if (context->options().verify_peer)
        ssl_.set_verify_callback(asio::ssl::host_name_verification(server_name), ignored);
    }
  }

  void start(std::shared_ptr<stream_handler> handler) override {
    handler_ = handler;
    timer_.expires_after(handshake_timeout_);
    timer_.async_wait([self = shared(this)](std::error_code ec) {
      if (!ec && !self->open_) self->close(make_error_code(errc::timed_out));
    });
    const auto type = role_ == tls_role::client ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
    ssl_.async_handshake(type, [self = shared(this), h = std::move(handler)](std::error_code ec) mutable {
      if (ec) return self->close(ec);
      self->open_ = true;
      self->timer_.cancel();
      self->read(std::move(h));
      self->flush();
    });
  }

  void write(bytes_view octets) override {
    if (!closing_) out_.push(octets);
  }

  void flush() override {
    if (!open_ || writing_ || closed_ || out_.empty()) return;
    writing_ = true;
    // The queue may grow and move while OpenSSL works, so what is being written is kept apart.
    const auto front = out_.front();
    in_flight_.assign(front.begin(), front.end());
    out_.pop(front.size());
    asio::async_write(ssl_, asio::buffer(in_flight_), [self = shared(this)](std::error_code ec, std::size_t) {
      self->writing_ = false;
      if (self->in_flight_.capacity() > kept_capacity_bytes) byte_vector{}.swap(self->in_flight_);
      else self->in_flight_.clear();
      if (ec) return self->close(ec);
      self->flush();
      if (self->writing_) return;
      if (self->closing_) return self->shut_down();
      if (const auto handler = self->handler_.lock()) handler->on_drained();
    });
  }

  std::size_t pending_bytes() const noexcept override { return out_.size() + in_flight_.size(); }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    if (!std::exchange(paused_, false)) return;
    if (auto handler = std::exchange(held_, nullptr)) read(std::move(handler));
  }

  void close_after_flush() override {
    if (closing_) return;
    closing_ = true;
    if (!open_) return close({});
    flush();
    if (!writing_) shut_down();
  }

  void close(std::error_code reason) override {
    if (closed_) return;
    closing_ = closed_ = true;
    timer_.cancel();
    std::error_code ignored;
    ssl_.next_layer().close(ignored);
    asio::post(ssl_.get_executor(), [self = shared(this), handler = handler_.lock(), reason] {
      self->handler_.reset();
      if (handler) handler->on_closed(reason);
    });
    held_.reset();
  }

  asio::any_io_executor executor() override { return ssl_.get_executor(); }

  std::string certificate_subject() const override {
    const std::unique_ptr<X509, void (*)(X509*)> certificate(
        SSL_get1_peer_certificate(const_cast<asio::ssl::stream<tcp::socket>&>(ssl_).native_handle()), X509_free);
    if (certificate == nullptr) return {};
    std::array<char, 512> name{};
    X509_NAME_oneline(X509_get_subject_name(certificate.get()), name.data(), static_cast<int>(name.size()));
    return name.data();
  }

 private:
  static std::shared_ptr<tls_stream> shared(tls_stream* self) {
    return std::static_pointer_cast<tls_stream>(self->shared_from_this());
  }

  // As in plain_stream, the read under way keeps the handler alive.
  void read(std::shared_ptr<stream_handler> handler) {
    if (closed_) return;
    if (paused_) {
      held_ = std::move(handler);
      return;
    }
    if (in_.empty()) in_.resize(read_bytes);
    ssl_.async_read_some(asio::buffer(in_), [self = shared(this), h = std::move(handler)](std::error_code ec,
                                                                                           std::size_t count) mutable {
      if (ec == asio::ssl::error::stream_truncated) ec = asio::error::eof;
      if (ec) return self->close(ec);
      if (!self->closing_) h->on_bytes(bytes_view{self->in_.data(), count});
      self->read(std::move(h));
    });
  }

  // Sends close_notify; a peer that does not answer it is not waited for longer than the handshake timeout.
  void shut_down() {
    timer_.expires_after(handshake_timeout_);
    timer_.async_wait([self = shared(this)](std::error_code ec) {
      if (!ec) self->close({});
    });
    ssl_.async_shutdown([self = shared(this)](std::error_code) { self->close({}); });
  }

  static constexpr std::size_t read_bytes = 16 * 1024;

  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<tcp::socket> ssl_;
  asio::steady_timer timer_;
  std::chrono::milliseconds handshake_timeout_;
  tls_role role_;
  std::weak_ptr<stream_handler> handler_;
  std::shared_ptr<stream_handler> held_;
  out_queue out_;
  byte_vector in_flight_;
  byte_vector in_;
  bool open_ = false;
  bool writing_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<stream> stream::make_plain(tcp::socket socket, peer_address peer) {
  return std::make_shared<plain_stream>(std::move(socket), std::move(peer));
}

std::shared_ptr<stream> stream::make_tls(tcp::socket socket, peer_address peer, std::shared_ptr<tls_context> context,
                                         tls_role role, const std::string& server_name) {
  return std::make_shared<tls_stream>(std::move(socket), std::move(peer), std::move(context), role, server_name);
}

}  // namespace msgkit
