#include "msgkit/smpp/net/client_pool.hpp"

#include <algorithm>

namespace msgkit::smpp {
namespace {

constexpr std::size_t binds_max = 1'000;
constexpr std::uint64_t told_at_once = 16;
constexpr std::size_t looked_at_max = 32;  // sessions per request, in turns, while one of them has room

bool is_throttling(std::error_code e) noexcept {
  return e.category() == status_category() && is_throttling(static_cast<command_status>(e.value()));
}

}  // namespace

// One connection of the pool.
struct client_pool::session final : client_handler {
  session(std::weak_ptr<client_pool> p, std::size_t i, std::size_t m, bind_mode w)
      : owner(std::move(p)), index(i), member(m), mode(w) {}

  void on_bound(client&) override {
    with([&](client_pool& p) {
      if (p.handler_) p.handler_->on_bound(p, member, mode);
      p.pump();
    });
  }
  void on_unbound(client&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    with([&](client_pool& p) { p.unbound(*this, reason, retry_in); });
  }
  void on_request(client& c, const pdu& m) override {
    with([&](client_pool& p) {
      if (p.handler_) return p.handler_->on_request(p, {member, c.current()->id(), m.head.sequence}, m);
      refuse_unhandled(c, m);
    });
  }
  void on_outcome(client&, const outcome& o) override {
    with([&](client_pool& p) { p.took(*this, o); });
  }
  void on_batch_end(client&) override {
    with([&](client_pool& p) {
      p.pump();
      if (p.handler_) p.handler_->on_batch_end(p);
    });
  }
  template <class F>
  void with(F&& f) {
    if (const auto live = owner.lock()) f(*live);
  }

  const std::weak_ptr<client_pool> owner;
  const std::size_t index;
  const std::size_t member;
  const bind_mode mode;
  std::shared_ptr<client> bind;
  std::vector<std::uint64_t> lost;  // cookies whose outcome was session_closed since the last bind
  bool touched = false;             // has output that nobody flushed
  bool ended = false;
};

client_pool::client_pool(asio::any_io_executor executor, client_pool_options options,
                         std::shared_ptr<client_pool_handler> handler)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      outcomes_(std::make_shared<async_outcomes>(executor_)),
      rate_(options_.rate),
      rate_timer_(executor_) {
  options_.binds = std::clamp<std::size_t>(options_.binds, 1, binds_max);
  options_.client.rate = nullptr;
}

// Sessions and clients hold each other until here.
client_pool::~client_pool() {
  for (const auto& s : sessions_) {
    s->bind->stop();
    s->bind.reset();
  }
}

std::shared_ptr<client_pool> client_pool::make(asio::any_io_executor executor, client_pool_options options,
                                               std::shared_ptr<client_pool_handler> handler) {
  std::shared_ptr<client_pool> made(new client_pool(std::move(executor), std::move(options), std::move(handler)));
  const auto add = [&made](std::size_t member, bind_mode mode) {
    auto o = made->options_.client;
    o.mode = mode;
    if (o.reconnect_seed != 0) o.reconnect_seed += made->sessions_.size();  // or all would come back at once
    auto s = std::make_shared<session>(made, made->sessions_.size(), member, mode);
    s->bind = client::make(made->executor_, std::move(o), s);
    made->sessions_.push_back(std::move(s));
  };
  for (std::size_t i = 0; i < made->options_.binds; ++i) {
    if (!made->options_.pairs) {
      add(i, made->options_.client.mode);
      continue;
    }
    add(i, bind_mode::transmitter);
    add(i, bind_mode::receiver);
  }
  return made;
}

void client_pool::start() {
  if (std::exchange(running_, true)) return;
  for (const auto& s : sessions_) {
    s->ended = false;
    s->bind->start();
  }
}

void client_pool::stop(std::function<void()> done) {
  running_ = false;
  rate_timer_.cancel();
  fail_queue();
  auto left = std::make_shared<std::size_t>(sessions_.size());
  const auto one_done = [left, done = std::move(done), self = shared_from_this()] {
    if (--*left == 0 && done) done();
  };
  for (const auto& s : sessions_) s->bind->stop(one_done);
}

void client_pool::fail_queue() {
  for (const auto& q : std::exchange(queue_, {}))
    tell({.cookie = q.options.cookie, .error = make_error_code(errc::session_closed)});
}

client& client_pool::client_of(session& s) { return *s.bind; }

client_pool_state client_pool::state() const {
  const auto now = driver_clock::now();
  client_pool_state all{.sessions = sessions_.size(), .open_requests = open_count_, .queued = queue_.size(),
                        .rate = rate_.per_second(), .paused = rate_.is_paused(now)};
  for (const auto& s : sessions_) {
    if (!s->bind->is_bound()) continue;
    ++all.bound;
    if (s->mode != bind_mode::receiver) ++all.bound_sending;
  }
  return all;
}

// ---- requests of ours

client_pool::session* client_pool::ready_session() {
  if (!rate_.is_unlimited() && !rate_.is_ready(driver_clock::now())) return wait_for_pace(), nullptr;
  session* best = nullptr;
  std::size_t best_share = 0;
  const auto window = std::max<std::size_t>(options_.client.connection.session.window_size, 1);
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    if (best != nullptr && i >= looked_at_max) break;
    auto& s = *sessions_[(next_session_ + i) % sessions_.size()];
    if (s.mode == bind_mode::receiver) continue;
    const auto room = s.bind->window_room();
    if (room <= best_share) continue;
    best = &s;
    best_share = room;
    if (room >= window) break;
  }
  return best;
}

bool client_pool::can_send() const {
  if (!running_ || (!rate_.is_unlimited() && !rate_.is_ready(driver_clock::now()))) return false;
  return std::any_of(sessions_.begin(), sessions_.end(), [](const auto& s) {
    return s->mode != bind_mode::receiver && s->bind->window_room() > 0;
  });
}

std::uint64_t client_pool::open_flight(const session& s, queued q) {
  if (free_flights_.empty()) {
    free_flights_.push_back(flights_.size());
    flights_.emplace_back();
  }
  const auto slot = free_flights_.back();
  free_flights_.pop_back();
  flights_[slot] = {std::move(q), s.index, true};
  ++open_count_;
  return slot;
}

client_pool::queued client_pool::close_flight(std::uint64_t slot) {
  auto q = std::move(flights_[slot].request);
  flights_[slot] = {};
  free_flights_.push_back(slot);
  --open_count_;
  return q;
}

void client_pool::sent_over(session& s) {
  // Reading the clock costs as much as encoding, and without a limit nobody waits for the count.
  if (++untold_ >= told_at_once || !rate_.is_unlimited()) rate_.take(driver_clock::now(), std::exchange(untold_, 0));
  s.touched = true;
  next_session_ = s.index + 1;
}

void client_pool::enqueue(std::shared_ptr<const parcel> message, const request_options& o) {
  queue_.push_back({.order = ++last_order_, .message = std::move(message), .options = o});
  pump();
}

fault client_pool::refuse_full() {
  was_full_ = true;
  return {make_error_code(errc::window_full), "queue"};
}

// Sends what room and pace allow. Handlers called meanwhile may give more requests; those go to the end of the queue.
void client_pool::pump() {
  if (std::exchange(pumping_, true)) return;
  while (running_ && !queue_.empty()) {
    auto* const s = ready_session();
    if (s == nullptr) break;
    auto q = std::move(queue_.front());
    queue_.pop_front();
    const auto now = driver_clock::now();
    if (q.first_sent == never) q.first_sent = now;
    const auto message = q.message;
    auto o = q.options;
    o.cookie = open_flight(*s, std::move(q));
    const auto sent = message->send(*s->bind, o);
    if (sent) {
      sent_over(*s);
      continue;
    }
    q = close_flight(o.cookie);
    if (sent.error().code == errc::window_full || sent.error().code == errc::session_closed) {
      queue_.push_front(std::move(q));  // the session is leaving
      break;
    }
    tell({.cookie = q.options.cookie, .error = sent.error().code});
  }
  pumping_ = false;
  flush();
  offer_room();
}

void client_pool::offer_room() {
  if (!was_full_ || !running_) return;
  const bool has_room = queue_.size() < options_.queue_max || (options_.queue_max == 0 && queue_.empty() && can_send());
  if (!has_room) {
    if (queue_.empty()) (void)ready_session();  // wakes us when only the pace is in the way
    return;
  }
  was_full_ = false;
  if (handler_) handler_->on_ready(*this);
}

void client_pool::flush() {
  for (const auto& s : sessions_)
    if (std::exchange(s->touched, false)) s->bind->flush();
}

void client_pool::wait_for_pace() {
  if (std::exchange(waiting_for_pace_, true)) return;
  rate_timer_.expires_at(rate_.ready_at(driver_clock::now()));
  rate_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!self) return;
    self->waiting_for_pace_ = false;
    if (!ec) self->pump();
  });
}

// ---- outcomes

void client_pool::took(session& s, const outcome& o) {
  if (o.cookie >= flights_.size() || !flights_[o.cookie].is_open) return;
  auto q = close_flight(o.cookie);
  if (!o.error) {
    if (!rate_.is_unlimited()) rate_.on_accepted(driver_clock::now());
  } else if (is_throttling(o.error)) {
    const auto now = driver_clock::now();
    if (untold_ > 0) rate_.take(now, std::exchange(untold_, 0));
    rate_.on_throttled(now);
    if (running_ && q.message && now - q.first_sent < options_.throttled_retry_max) {
      const auto behind = std::find_if(queue_.begin(), queue_.end(), [&](const queued& e) { return e.order > q.order; });
      queue_.insert(behind, std::move(q));
      return;
    }
  } else if (o.error == errc::session_closed) {
    s.lost.push_back(q.options.cookie);
  }
  auto told = o;
  told.cookie = q.options.cookie;
  tell(told);
}

void client_pool::tell(const outcome& o) {
  if (outcomes_->finish(o)) return;
  if (handler_) handler_->on_outcome(*this, o);
}

void client_pool::unbound(session& s, std::error_code reason, std::chrono::milliseconds retry_in) {
  const auto lost = std::exchange(s.lost, {});
  s.ended = retry_in.count() < 0;
  if (handler_) handler_->on_unbound(*this, s.member, reason, retry_in, lost);
  // Nobody is left to send what waits: every session that can has given up.
  const bool hopeless = std::all_of(sessions_.begin(), sessions_.end(), [](const auto& each) {
    return each->ended || each->mode == bind_mode::receiver;
  });
  if (hopeless) fail_queue();
}

// ---- requests of the peer

smpp::connection* client_pool::connection_of(const pool_request& r) const {
  for (const auto& s : sessions_) {
    auto* const c = s->bind->current();
    if (s->member == r.member && c != nullptr && c->id() == r.connection) return c;
  }
  return nullptr;
}

result<void> client_pool::reject(const pool_request& to, command_status status) {
  auto* const c = connection_of(to);
  return c == nullptr ? result<void>(errc::session_closed) : c->reject(to.sequence, status);
}

}  // namespace msgkit::smpp
