#include "msgkit/xmppcomp/net/component.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <unordered_map>
#include <utility>

#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::uint64_t async_bit = 1ull << 63;
constexpr std::chrono::seconds linger_max{5};
constexpr std::size_t delay_bytes_max = 2'048;  // a <delay/> with the longest domain

bool is_fatal(std::error_code reason) noexcept {
  return reason.category() == stream_category() && info(static_cast<stream_condition>(reason.value())).is_fatal;
}

// Whichever comes first: the completion handler, or the outcome when the operation is awaited late.
template <class... Args>
struct async_operation {
  std::unique_ptr<completion<Args...>> done{};
  std::optional<std::tuple<Args...>> outcome{};
};

template <class... Args>
class async_operations {
 public:
  void wait(std::uint64_t cookie, const asio::any_io_executor& executor, std::unique_ptr<completion<Args...>> done) {
    auto& open = operations_[cookie];
    open.done = std::move(done);
    if (!open.outcome) return;
    // Never complete inside the initiating function.
    asio::post(executor, [late = std::make_shared<async_operation<Args...>>(std::move(open))] { complete(*late); });
    operations_.erase(cookie);
  }
  void settle(std::uint64_t cookie, Args... args) {
    auto& open = operations_[cookie];
    open.outcome.emplace(std::move(args)...);
    if (!open.done) return;
    auto ready = std::move(open);
    operations_.erase(cookie);
    complete(ready);
  }

 private:
  static void complete(async_operation<Args...>& operation) {
    std::apply([&](auto&... args) { operation.done->complete(std::move(args)...); }, *operation.outcome);
  }
  std::unordered_map<std::uint64_t, async_operation<Args...>> operations_;
};

}  // namespace

struct component::waiting {
  async_operations<std::error_code> pushes;
  async_operations<std::error_code, element> requests;
  std::uint64_t next_cookie = 0;
};

// Belongs to one stream, so that a late call of an old one cannot touch the new one.
class component::link final : public stream_handler, public std::enable_shared_from_this<link> {
 public:
  link(std::shared_ptr<stream> transport, session_options options, const std::shared_ptr<component>& owner)
      : stream_(std::move(transport)),
        owner_(owner),
        session_(std::move(options), driver_clock::now()),
        timer_(stream_->executor()) {}

  void start() {
    stream_->start(shared_from_this());
    flush();
    arm_timer();
  }

  xmppcomp::session& session() noexcept { return session_; }
  stream& transport() noexcept { return *stream_; }

  // Something may be waiting: it leaves at the end of the current read, or soon.
  void touched() {
    if (in_read_ || flush_scheduled_) return;
    flush_scheduled_ = true;
    asio::post(stream_->executor(), [self = shared_from_this()] {
      self->flush_scheduled_ = false;
      self->settle();
    });
  }

  void cut(std::error_code reason) { stream_->close(reason); }

 private:
  void on_bytes(bytes_view octets) override {
    in_read_ = true;
    session_.feed(octets, driver_clock::now());
    drain();
    in_read_ = false;
    if (const auto c = current()) c->handler_->on_batch_end(*c);
    settle();
  }

  void on_drained() override { settle(); }

  void on_closed(std::error_code reason) override {
    timer_.cancel();
    // A clean end of the octets is the server's way to close; the session has a word for it.
    session_.disconnected(reason == asio::error::eof ? make_error_code(errc::peer_closed) : reason);
    drain();
    if (const auto c = current()) c->lost(reason_);
  }

  std::shared_ptr<component> current() const {
    auto c = owner_.lock();
    return c && c->link_.get() == this ? c : nullptr;
  }

  // Handlers call back into us; only the outermost call walks the events.
  void drain() {
    if (std::exchange(draining_, true)) return;
    while (const auto e = session_.next_event()) dispatch(*e);
    draining_ = false;
  }

  void dispatch(const event& e) {
    if (e.kind == event_kind::closed) {
      closed_ = true;
      reason_ = e.reason;
    }
    const auto c = current();
    if (!c) return;
    c->outbox_.on_event(e);
    switch (e.kind) {
      case event_kind::open: return c->opened();
      case event_kind::stanza: return c->handler_->on_stanza(*c, *e.stanza);
      case event_kind::response: return c->responded(e);
      case event_kind::confirmed:
      case event_kind::lost:
      case event_kind::closed: return c->deliver_outcomes();
    }
  }

  // Events out, octets out, timer right.
  void settle() {
    drain();
    if (const auto c = current()) {
      if (stream_->pending_bytes() < c->options_.transport_bytes_high)
        c->outbox_.pump(session_, driver_clock::wall_now());
    }
    flush();
    arm_timer();
    if (const auto c = current(); c && c->stopping_ && c->running_ && c->outbox_.size() == 0) c->leave();
  }

  void flush() {
    if (session_.has_output()) {
      stream_->write(session_.output());
      session_.clear_output();
      stream_->flush();
    }
    const auto c = current();
    if (c && stream_->pending_bytes() > c->options_.transport_bytes_max) {
      session_.abort(make_error_code(errc::output_limit));
      drain();
      return stream_->close(make_error_code(errc::output_limit));
    }
    if (closed_) linger();
  }

  // The last words may still be on their way out; a server that does not take them is not waited for.
  void linger() {
    if (std::exchange(lingering_, true)) return;
    stream_->close_after_flush();
    timer_.expires_after(linger_max);
    timer_.async_wait([self = shared_from_this()](std::error_code ec) {
      if (!ec) self->stream_->close(make_error_code(errc::output_limit));
    });
  }

  void arm_timer() {
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
      self->session_.on_time(driver_clock::now());
      self->settle();
    });
  }

  std::shared_ptr<stream> stream_;
  std::weak_ptr<component> owner_;
  xmppcomp::session session_;
  driver_timer timer_;
  std::error_code reason_;
  time_point armed_for_ = never;
  bool in_read_ = false;
  bool draining_ = false;
  bool flush_scheduled_ = false;
  bool closed_ = false;  // the session's last event has been seen
  bool lingering_ = false;
};

component::component(asio::any_io_executor executor, component_options options,
                     std::shared_ptr<component_handler> handler)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      connector_(executor_),
      timer_(executor_),
      outbox_(options_.session.domain, options_.outbox),
      waiting_(std::make_unique<waiting>()) {
  if (!jid::make({}, options_.session.domain))
    throw std::system_error(make_error_code(errc::jid_invalid), "session.domain");
  // What the outbox accepts the session must be able to send, with a <delay/>.
  auto& limits = options_.session;
  limits.stanza_bytes_max = std::max(limits.stanza_bytes_max, options_.outbox.stanza_bytes_max + delay_bytes_max);
  limits.output_bytes_max = std::max(limits.output_bytes_max, limits.stanza_bytes_max);
  const auto now = static_cast<std::uint64_t>(driver_clock::wall_now().time_since_epoch().count());
  if (options_.seed == 0) options_.seed = mix(reinterpret_cast<std::uintptr_t>(this) ^ now);
}

component::~component() {
  if (link_) link_->cut(make_error_code(errc::session_closed));
}

std::shared_ptr<component> component::make(asio::any_io_executor executor, component_options options,
                                           std::shared_ptr<component_handler> handler) {
  return std::shared_ptr<component>(new component(std::move(executor), std::move(options), std::move(handler)));
}

// ---- the connection

void component::start() {
  if (std::exchange(running_, true)) return;
  attempt_ = 0;
  connect();
}

void component::connect() {
  if (link_ || std::exchange(dialing_, true)) return;
  auto done = [weak = weak_from_this()](std::error_code ec, const std::shared_ptr<stream>& transport) {
    if (const auto self = weak.lock()) self->connected(ec, transport);
    else if (transport) transport->close({});
  };
  if (options_.dial) options_.dial(std::move(done));
  else connector_.connect(options_.connect, std::move(done));
}

void component::connected(std::error_code ec, std::shared_ptr<stream> transport) {
  dialing_ = false;
  if (!running_) {
    if (transport) transport->close({});
    ec = ec ? ec : make_error_code(errc::session_closed);
  }
  if (ec) return lost(ec);
  auto session = options_.session;
  session.id_seed = mix(options_.seed ^ ++streams_);
  link_ = std::make_shared<link>(std::move(transport), std::move(session), shared_from_this());
  link_->start();
}

void component::opened() {
  opened_at_ = driver_clock::now();
  handler_->on_open(*this);
}

void component::lost(std::error_code reason) {
  link_.reset();
  if (!running_) return finish_stop();
  const auto retry_in = retry_delay(reason);
  timer_.expires_after(retry_in);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self && self->running_) self->connect();
  });
  handler_->on_closed(*this, reason, retry_in);
}

std::chrono::milliseconds component::retry_delay(std::error_code reason) {
  const auto opened_at = std::exchange(opened_at_, never);
  if (opened_at != never && driver_clock::now() - opened_at >= options_.stable_after) attempt_ = 0;
  const auto attempt = attempt_++;
  if (!is_fatal(reason)) return backoff_delay(options_.reconnect_backoff, attempt, options_.seed);
  const backoff_options fixed{.initial = options_.fatal_retry, .maximum = options_.fatal_retry};
  return backoff_delay(fixed, attempt, options_.seed);
}

void component::stop(std::function<void()> done) {
  if (stopped_ && done)
    stopped_ = [first = std::move(stopped_), second = std::move(done)] { first(), second(); };
  else if (done)
    stopped_ = std::move(done);
  if (std::exchange(stopping_, true)) return;
  timer_.cancel();
  if (is_open() && outbox_.size() > 0) {
    timer_.expires_after(options_.drain_timeout);
    timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
      if (const auto self = weak.lock(); !ec && self) self->leave();
    });
    return;
  }
  leave();
}

void component::leave() {
  const bool was_running = std::exchange(running_, false);
  timer_.cancel();
  if (link_) {
    link_->session().close(driver_clock::now());
    return link_->touched();
  }
  connector_.cancel();
  if (dialing_ && was_running) return;  // connected() tells
  asio::post(executor_, [self = shared_from_this()] { self->finish_stop(); });
}

void component::finish_stop() {
  if (!std::exchange(stopping_, false)) return;
  outbox_.abandon(make_error_code(errc::session_closed));
  deliver_outcomes();
  handler_->on_closed(*this, make_error_code(errc::session_closed), std::chrono::milliseconds{-1});
  if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
}

// ---- sending

result<void> component::send(const element& stanza) {
  if (!link_) return errc::not_connected;
  auto sent = link_->session().send(stanza);
  link_->touched();
  return sent;
}

result<void> component::push(const element& stanza, std::uint64_t cookie) {
  return push_as(stanza, cookie & ~async_bit);
}

result<void> component::push_as(const element& stanza, std::uint64_t cookie) {
  if (stopping_) return errc::session_closed;
  auto pushed = outbox_.push(stanza, cookie, driver_clock::wall_now());
  if (!pushed && pushed.error().code == errc::queue_full) refused_ = true;
  if (pushed && link_) link_->touched();
  return pushed;
}

result<void> component::request_as(element iq, std::uint64_t cookie) {
  if (!link_) return errc::not_connected;
  auto sent = link_->session().request(std::move(iq), cookie);
  link_->touched();
  return sent;
}

std::uint64_t component::next_cookie() { return async_bit | ++waiting_->next_cookie; }

void component::deliver_outcomes() {
  while (const auto o = outbox_.next_outcome()) {
    if ((o->cookie & async_bit) != 0) waiting_->pushes.settle(o->cookie, o->error);
    else handler_->on_outcome(*this, *o);
  }
  const auto& limits = outbox_.options();
  if (!refused_ || outbox_.size() > limits.entries_max / 2 || outbox_.bytes() > limits.bytes_max / 2) return;
  refused_ = false;
  handler_->on_room(*this);
}

void component::responded(const event& e) {
  waiting_->requests.settle(e.cookie, e.reason, e.stanza == nullptr ? element{} : *e.stanza);
}

void component::wait_outcome(std::uint64_t cookie, std::error_code failed, std::unique_ptr<push_completion> done) {
  if (failed) waiting_->pushes.settle(cookie, failed);
  waiting_->pushes.wait(cookie, executor_, std::move(done));
}

void component::wait_response(std::uint64_t cookie, std::error_code failed, std::unique_ptr<request_completion> done) {
  if (failed) waiting_->requests.settle(cookie, failed, element{});
  waiting_->requests.wait(cookie, executor_, std::move(done));
}

bool component::is_open() const noexcept { return link_ && link_->session().is_open(); }
const session* component::current() const noexcept { return link_ ? &link_->session() : nullptr; }
void component::pause_reading() {
  if (link_) link_->transport().pause_reading();
}
void component::resume_reading() {
  if (link_) link_->transport().resume_reading();
}

}  // namespace msgkit::xmppcomp
