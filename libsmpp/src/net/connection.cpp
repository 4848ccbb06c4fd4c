#include "msgkit/smpp/net/connection.hpp"

#include <asio/post.hpp>
#include <atomic>

namespace msgkit::smpp {
namespace {

constexpr std::chrono::seconds linger_max{5};

std::uint64_t next_connection_id() noexcept {
  static std::atomic<std::uint64_t> counter{0};
  return ++counter;
}

}  // namespace

connection::connection(std::shared_ptr<stream> transport, const connection_options& options,
                       std::shared_ptr<connection_handler> handler)
    : stream_(std::move(transport)),
      handler_(std::move(handler)),
      session_(options.session, clock_now()),
      timer_(stream_->executor()),
      output_bytes_max_(options.output_bytes_max),
      id_(next_connection_id()) {}

std::shared_ptr<connection> connection::start(std::shared_ptr<stream> transport, const connection_options& options,
                                              std::shared_ptr<connection_handler> handler) {
  std::shared_ptr<connection> made(new connection(std::move(transport), options, std::move(handler)));
  made->stream_->start(made);
  made->arm_timer();
  return made;
}

void connection::on_bytes(bytes_view octets) {
  if (closed_) return;
  in_read_ = true;
  session_.feed(octets, clock_now());
  drain_events();
  in_read_ = false;
  if (handler_) handler_->on_batch_end(*this);
  flush();
  arm_timer();
}

void connection::on_closed(std::error_code reason) {
  closed_reason_ = closed_reason_ ? closed_reason_ : reason;
  session_.disconnected(reason);
  drain_events();
  timer_.cancel();
  if (const auto handler = std::exchange(handler_, nullptr)) handler->on_closed(*this, closed_reason_);
}

// Handlers call back into us; only the outermost call walks the events.
bool connection::drain_events() {
  if (draining_) return false;
  draining_ = true;
  bool any = false;
  while (const auto e = session_.next_event()) {
    dispatch(*e);
    any = true;
  }
  draining_ = false;
  return any;
}

void connection::drain_batch() {
  if (drain_events() && handler_) handler_->on_batch_end(*this);
}

void connection::dispatch(const event& e) {
  if (!handler_) return;
  switch (e.kind) {
    case event_kind::bind_requested: return handler_->on_bind(*this, *e.pdu);
    case event_kind::bound: return handler_->on_bound(*this);
    case event_kind::outbind: return handler_->on_outbind(*this, std::get<outbind>(*e.pdu));
    case event_kind::request: return handler_->on_request(*this, *e.pdu);
    case event_kind::response:
    case event_kind::nack:
    case event_kind::failed: return handler_->on_outcome(*this, {e.cookie, e.sequence, e.reason, e.pdu});
    case event_kind::unbinding: return handler_->on_unbinding(*this);
    case event_kind::bind_refused: return;  // `closed` follows with the same reason
    case event_kind::closed:
      closed_ = true;
      closed_reason_ = e.reason;
      return;
  }
}

void connection::flush() {
  if (session_.has_output()) {
    stream_->write(session_.output());
    session_.clear_output();
    stream_->flush();
  }
  if (closed_) return linger();
  if (stream_->pending_bytes() > output_bytes_max_) {
    session_.close(make_error_code(errc::output_limit));
    drain_events();
    stream_->close(make_error_code(errc::output_limit));
  }
}

// The last answers may still be on their way out; a peer that does not take them is not waited for, however often
// somebody flushes meanwhile.
void connection::linger() {
  if (std::exchange(lingering_, true)) return;
  stream_->close_after_flush();
  timer_.expires_after(linger_max);
  timer_.async_wait([self = shared_from_this()](std::error_code ec) {
    if (!ec) self->stream_->close(make_error_code(errc::output_limit));
  });
}

void connection::touched() {
  if (in_read_ || flush_scheduled_) return;
  flush_scheduled_ = true;
  asio::post(stream_->executor(), [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->drain_batch();
    self->flush();
    self->arm_timer();
  });
}

void connection::arm_timer() {
  if (closed_) return;
  const auto next = session_.next_deadline();
  // A deadline that moved later needs no new timer: the old one finds nothing due and looks again.
  if (next == never || next >= armed_for_) return;
  armed_for_ = next;
  timer_.expires_at(next);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->armed_for_ = never;
    self->session_.on_time(clock_now());
    self->drain_batch();
    self->flush();
    self->arm_timer();
  });
}

result<void> connection::bind(bind_mode mode, const bind_transceiver& parameters) {
  auto sent = session_.bind(mode, parameters, clock_now());
  touched();
  return sent;
}

result<void> connection::accept_bind(std::string_view system_id) {
  auto sent = session_.accept_bind(system_id, clock_now());
  touched();
  return sent;
}

result<void> connection::refuse_bind(command_status status) {
  auto sent = session_.refuse_bind(status);
  touched();
  return sent;
}

result<void> connection::send_outbind(const outbind& m) {
  auto sent = session_.send_outbind(m);
  touched();
  return sent;
}

result<void> connection::reject(std::uint32_t sequence, command_status status) {
  auto sent = session_.reject(sequence, status);
  touched();
  return sent;
}

void connection::unbind() {
  session_.unbind(clock_now());
  touched();
}

void connection::close(std::error_code reason) {
  session_.close(reason);
  touched();
}

}  // namespace msgkit::smpp
