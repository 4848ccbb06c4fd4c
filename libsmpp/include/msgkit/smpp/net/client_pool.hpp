// Several binds to one message centre as one object: parallel transceivers, or pairs of a transmitter and a receiver.
//
// Requests go to the bind with the largest share of its window free, at a common pace, in the order they were given: what
// finds no bind, no room or no pace waits in a queue with a limit. (Over several connections they may still arrive in
// another order.) Each bind connects again by itself with a fresh session.
// A request refused with ESME_RTHROTTLED or ESME_RMSGQFUL can be sent again before those behind it.
// Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "msgkit/smpp/net/client.hpp"

namespace msgkit::smpp {

class client_pool;

// Where a request of the message centre came from; answers go back over the same connection or not at all.
struct pool_request {
  std::size_t member = 0;
  std::uint64_t connection = 0;  // connection::id()
  std::uint32_t sequence = 0;
};

class client_pool_handler {
 public:
  virtual ~client_pool_handler() = default;
  // A session is bound; a pair has two.
  virtual void on_bound(client_pool&, std::size_t member, bind_mode mode) { (void)member, (void)mode; }
  // It is lost or could not be had. `unanswered`: cookies of the requests it had open, whose outcomes (session_closed)
  // have been reported just before; the peer may have taken them or not. `retry_in` is negative when it is over.
  virtual void on_unbound(client_pool&, std::size_t member, std::error_code reason, std::chrono::milliseconds retry_in,
                          std::span<const std::uint64_t> unanswered) {
    (void)member, (void)reason, (void)retry_in, (void)unanswered;
  }
  // deliver_sm, data_sm, alert_notification... of any bind. Answer with client_pool::respond().
  virtual void on_request(client_pool&, const pool_request& from, const pdu& m) { (void)from, (void)m; }
  virtual void on_outcome(client_pool&, const outcome&) {}
  // request() was refused because the queue was full, and it has room now.
  virtual void on_ready(client_pool&) {}
  virtual void on_batch_end(client_pool&) {}
};

struct client_pool_options {
  client_options client{};     // of every bind. `rate` is not used, `mode` only without pairs
  std::size_t binds = 1;       // members, 1..1000
  bool pairs = false;          // a member is a transmitter and a receiver, each with its own connection
  rate_options rate{};         // over all members, in PDUs
  std::size_t queue_max = 1'000;  // requests that wait; 0: request() refuses what cannot leave at once
  // How long a request that the peer throttles is sent again, each time before those given later; then its status is the
  // outcome. 0: never. Needs a copy of every request under way.
  std::chrono::milliseconds throttled_retry_max{0};
};

// The pool as a whole, at this moment.
struct client_pool_state {
  std::size_t sessions = 0;       // wanted: members, twice that with pairs
  std::size_t bound = 0;          // sessions
  std::size_t bound_sending = 0;  // of these, such that requests can leave over them
  std::size_t open_requests = 0;  // on the wire
  std::size_t queued = 0;
  double rate = 0;                // PDUs a second; 0: no limit
  bool paused = false;            // the peer complained and is given time
};

class client_pool : public std::enable_shared_from_this<client_pool> {
 public:
  // `handler` may be null when only async_ operations are used; then requests of the peer are answered RX_P_APPN,
  // receipts ROK.
  static std::shared_ptr<client_pool> make(asio::any_io_executor executor, client_pool_options options,
                                           std::shared_ptr<client_pool_handler> handler = nullptr);
  ~client_pool();

  void start();
  // Unbinds every session. What is queued fails with session_closed; what is on the wire may still be answered. `done`
  // runs when every connection is closed.
  void stop(std::function<void()> done = {});

  // Sends, or queues a copy. `o.timeout` counts from when the request leaves. Its outcome comes with `o.cookie`, whose
  // upper bit is reserved. Errors: window_full when it can neither leave nor be queued, on_ready() follows;
  // session_closed when stopped; encoding errors.
  template <class Pdu>
  result<void> request(const Pdu& m, request_options o = {}) {
    if (!running_) return errc::session_closed;
    const bool keeps = options_.throttled_retry_max.count() > 0;
    if (!keeps && queue_.empty()) {
      if (auto* const bind = ready_session()) return sent_now(*bind, m, o);
    }
    if (queue_.size() >= std::max<std::size_t>(options_.queue_max, keeps && can_send() ? 1 : 0)) return refuse_full();
    if (auto ok = check(m); !ok) return ok;
    auto kept = own(m);
    if (!kept) return kept.error();
    enqueue(std::make_shared<parcel_of<Pdu>>(std::move(*kept)), o);
    return {};
  }
  // Completes with void(std::error_code, std::string message_id); as client::async_submit().
  template <class Token>
  auto async_submit(const submit_sm& m, request_options o, Token&& token) {
    return async_request(m, o, std::forward<Token>(token));
  }
  template <class Token>
  auto async_data(const data_sm& m, request_options o, Token&& token) {
    return async_request(m, o, std::forward<Token>(token));
  }

  // Errors: session_closed when that connection is gone; as session::respond().
  template <class Pdu>
  result<void> respond(const pool_request& to, const Pdu& m, command_status status = command_status::ok) {
    auto* const c = connection_of(to);
    return c == nullptr ? result<void>(errc::session_closed) : c->respond(to.sequence, m, status);
  }
  result<void> reject(const pool_request& to, command_status status);
  void flush();

  [[nodiscard]] client_pool_state state() const;
  // Whether a request given now would leave at once.
  [[nodiscard]] bool can_send() const;
  [[nodiscard]] const client_pool_options& options() const noexcept { return options_; }
  [[nodiscard]] asio::any_io_executor executor() const { return executor_; }

 private:
  // A request that outlives the call it was given in.
  struct parcel {
    virtual ~parcel() = default;
    virtual result<std::uint32_t> send(client& c, const request_options& o) const = 0;
  };
  template <class Pdu>
  struct parcel_of final : parcel {
    explicit parcel_of(owned<Pdu> m) : message(std::move(m)) {}
    result<std::uint32_t> send(client& c, const request_options& o) const override { return c.request(*message, o); }
    owned<Pdu> message;
  };
  struct queued {
    std::uint64_t order = 0;      // of request() calls
    std::shared_ptr<const parcel> message{};
    request_options options{};
    time_point first_sent = never;
  };
  // On the wire; the cookie of the session is its index.
  struct flight {
    queued request;
    std::size_t session = 0;
    bool is_open = false;
  };
  struct session;

  client_pool(asio::any_io_executor executor, client_pool_options options, std::shared_ptr<client_pool_handler> handler);
  template <class Pdu>
  result<void> check(const Pdu& m) {
    scratch_.clear();
    return encode(m, 0, scratch_);
  }
  template <class Pdu>
  result<void> sent_now(session& s, const Pdu& m, request_options o) {
    const auto slot = open_flight(s, {.order = ++last_order_, .options = o});
    o.cookie = slot;
    const auto sent = client_of(s).request(m, o);
    if (!sent) return close_flight(slot), sent.error();
    sent_over(s);
    return {};
  }
  template <class Pdu, class Token>
  auto async_request(const Pdu& m, request_options o, Token&& token) {
    return outcomes_->async_send(
        [&](std::uint64_t cookie) {
          o.cookie = cookie;
          const auto sent = request(m, o);
          return sent ? std::error_code{} : sent.error().code;
        },
        std::forward<Token>(token));
  }

  // The session that the next request goes to; null while none has room or the pace says no.
  session* ready_session();
  static client& client_of(session& s);
  [[nodiscard]] smpp::connection* connection_of(const pool_request& r) const;
  std::uint64_t open_flight(const session& s, queued q);
  queued close_flight(std::uint64_t slot);
  void sent_over(session& s);
  void enqueue(std::shared_ptr<const parcel> message, const request_options& o);
  fault refuse_full();
  void pump();
  void wait_for_pace();
  void took(session& s, const outcome& o);
  void tell(const outcome& o);
  void unbound(session& s, std::error_code reason, std::chrono::milliseconds retry_in);
  void fail_queue();
  void offer_room();

  asio::any_io_executor executor_;
  client_pool_options options_;
  std::shared_ptr<client_pool_handler> handler_;
  std::shared_ptr<async_outcomes> outcomes_;
  rate_control rate_;
  driver_timer rate_timer_;
  std::vector<std::shared_ptr<session>> sessions_;
  std::deque<queued> queue_;     // by order
  std::vector<flight> flights_;
  std::vector<std::uint64_t> free_flights_;
  byte_vector scratch_;
  std::function<void()> stopped_;
  std::uint64_t last_order_ = 0;
  std::uint64_t untold_ = 0;  // sent, and rate_ does not know
  std::size_t next_session_ = 0;
  std::size_t open_count_ = 0;
  bool running_ = false;
  bool pumping_ = false;
  bool waiting_for_pace_ = false;
  bool was_full_ = false;
};

}  // namespace msgkit::smpp
