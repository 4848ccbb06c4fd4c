// Drives one session over one stream: octets in, octets out, one timer. client.hpp and server.hpp are built on it.
// Thread-safety: none; everything happens on the stream's executor.
#pragma once

#include <memory>
#include <string>

#include "msgkit/core/net/clock.hpp"
#include "msgkit/core/net/stream.hpp"
#include "msgkit/smpp/session.hpp"

namespace msgkit::smpp {

class connection;

// What became of a request(): exactly one per request.
struct outcome {
  std::uint64_t cookie = 0;
  std::uint32_t sequence = 0;
  std::error_code error{};           // empty: answered ok; status_category(): the peer's answer; else our own fault
  const smpp::pdu* response = nullptr;  // null without an answer; valid during the call
};

class connection_handler {
 public:
  virtual ~connection_handler() = default;
  // MC: `bind` holds a bind_*. Call accept_bind() or refuse_bind(), now or later.
  virtual void on_bind(connection&, const pdu& bind) { (void)bind; }
  virtual void on_bound(connection&) {}
  // ESME: the message centre asks us to bind.
  virtual void on_outbind(connection&, const outbind&) {}
  // Owe it connection::respond() unless the command has no response. `sequence` is in m.head.
  virtual void on_request(connection&, const pdu& m) = 0;
  virtual void on_outcome(connection&, const outcome&) = 0;
  // All PDUs of one read, or all that was due at one time, have been handed over: the place to pass a batch on.
  virtual void on_batch_end(connection&) {}
  // The peer wants to leave, or we do.
  virtual void on_unbinding(connection&) {}
  // Last call. Every request() has had its outcome.
  virtual void on_closed(connection&, std::error_code reason) = 0;
};

struct connection_options {
  session_options session{};
  std::size_t output_bytes_max = 4 * 1024 * 1024;  // queued for a peer that does not read; beyond it is cut
};

class connection final : public stream_handler, public std::enable_shared_from_this<connection> {
 public:
  // Starts reading. The connection keeps itself, the stream and `handler` alive until on_closed() has returned.
  static std::shared_ptr<connection> start(std::shared_ptr<stream> transport, const connection_options& options,
                                           std::shared_ptr<connection_handler> handler);

  // As the session's methods of the same names; output leaves at the end of the current read, or with flush(), which
  // happens by itself soon after when nobody calls it.
  result<void> bind(bind_mode mode, const bind_transceiver& parameters);
  result<void> accept_bind(std::string_view system_id);
  result<void> refuse_bind(command_status status);
  result<void> send_outbind(const outbind& m);
  template <class Pdu>
  result<std::uint32_t> request(const Pdu& m, request_options o = {}) {
    auto sent = session_.request(m, clock_now(), o);
    touched();
    return sent;
  }
  template <class Pdu>
  result<void> respond(std::uint32_t sequence, const Pdu& m, command_status status = command_status::ok) {
    auto sent = session_.respond(sequence, m, status);
    touched();
    return sent;
  }
  result<void> reject(std::uint32_t sequence, command_status status);
  void unbind();
  void close(std::error_code reason = {});
  void flush();

  // Stops reading from the peer, whose window then fills: back-pressure without an error status.
  void pause_reading() { stream_->pause_reading(); }
  void resume_reading() { stream_->resume_reading(); }

  [[nodiscard]] const smpp::session& session() const noexcept { return session_; }
  [[nodiscard]] const peer_address& peer() const noexcept { return stream_->peer(); }
  [[nodiscard]] std::string certificate_subject() const { return stream_->certificate_subject(); }
  [[nodiscard]] asio::any_io_executor executor() { return stream_->executor(); }
  // Identifies the connection within the process; never reused.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  void set_observer(pdu_observer* o) noexcept { session_.set_observer(o); }
  // Keeps `o` as long as the connection lives, and sets nothing.
  void keep_observer(std::shared_ptr<pdu_observer> o) noexcept { kept_observer_ = std::move(o); }
  // Whatever the handler wants to keep with the connection.
  [[nodiscard]] const std::shared_ptr<void>& user_data() const noexcept { return user_data_; }
  void set_user_data(std::shared_ptr<void> data) { user_data_ = std::move(data); }

 private:
  connection(std::shared_ptr<stream> transport, const connection_options& options,
             std::shared_ptr<connection_handler> handler);
  void on_bytes(bytes_view octets) override;
  void on_closed(std::error_code reason) override;
  bool drain_events();  // whether there were any
  void drain_batch();   // outside of a read
  void dispatch(const event& e);
  // Something may have been queued in the session: make sure it leaves and the timer is right.
  void touched();
  void arm_timer();
  void linger();
  static time_point clock_now() { return driver_clock::now(); }

  std::shared_ptr<stream> stream_;
  std::shared_ptr<connection_handler> handler_;
  std::shared_ptr<pdu_observer> kept_observer_;
  smpp::session session_;
  driver_timer timer_;
  std::shared_ptr<void> user_data_;
  std::error_code closed_reason_;
  time_point armed_for_ = never;
  std::size_t output_bytes_max_;
  std::uint64_t id_;
  bool in_read_ = false;
  bool draining_ = false;
  bool flush_scheduled_ = false;
  bool closed_ = false;  // the session's last event has been seen
  bool lingering_ = false;
};

}  // namespace msgkit::smpp
