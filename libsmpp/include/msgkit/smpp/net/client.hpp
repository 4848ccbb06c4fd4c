// An SMPP client (ESME side) that stays bound: connects, binds, and after a loss begins again with a fresh session.
//
// Two ways to use it. Coroutines and other completion tokens: async_submit() and friends, one call per message. Or, for
// the highest rates, a client_handler with cookies: nothing is allocated per request.
// Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/net/connector.hpp"
#include "msgkit/smpp/net/async_outcomes.hpp"
#include "msgkit/smpp/net/connection.hpp"
#include "msgkit/smpp/net/pdu_trace.hpp"
#include "msgkit/smpp/rate_control.hpp"

namespace msgkit::smpp {

class client;

class client_handler {
 public:
  virtual ~client_handler() = default;
  virtual void on_bound(client&) {}
  // The bind is lost or could not be had; every request had its outcome before. The client tries again by itself after
  // `retry_in`, unless it is negative: stopped, or the peer refused us for good.
  virtual void on_unbound(client&, std::error_code reason, std::chrono::milliseconds retry_in) {
    (void)reason, (void)retry_in;
  }
  // deliver_sm, data_sm, alert_notification... Answer with client::respond().
  virtual void on_request(client&, const pdu& m) { (void)m; }
  // Outcomes of request(); those of the async_ operations go to their completion handlers.
  virtual void on_outcome(client&, const outcome&) {}
  virtual void on_batch_end(client&) {}
  // request() was refused because of client_options::rate, and may be tried again now.
  virtual void on_ready(client&) {}
};

struct client_options {
  connect_options connect{.port = 2775};
  // Makes the transport instead of `connect`: a tunnel, a proxy, a simulation. Calls its argument once.
  std::function<void(connector::handler)> dial{};
  connection_options connection{};
  bind_mode mode = bind_mode::transceiver;
  std::string system_id{};
  std::string password{};
  std::string system_type{};
  std::uint8_t interface_version = 0x34;
  ton addr_ton = ton::unknown;
  npi addr_npi = npi::unknown;
  std::string address_range{};
  bool reconnect = true;
  backoff_options reconnect_backoff{.initial = std::chrono::milliseconds{500}, .maximum = std::chrono::seconds{30}};
  std::uint64_t reconnect_seed = 0;  // of the jitter; 0: another one for each client of the process
  // Pace of request(); null: as fast as the window allows. Several clients may share one; their pauses are then common.
  std::shared_ptr<rate_control> rate{};
  std::shared_ptr<pdu_trace> trace{};  // every connection is added to it under our system_id; null: none
  // Statuses of a bind response after which trying again is pointless until somebody changes the configuration.
  bool give_up_on_bad_credentials = false;  // RINVPASWD, RINVSYSID, RINVSYSTYP, RBINDFAIL
};

class client : public std::enable_shared_from_this<client> {
 public:
  // `handler` may be null when only async_ operations are used; then requests of the peer are answered RX_P_APPN,
  // receipts ROK.
  static std::shared_ptr<client> make(asio::any_io_executor executor, client_options options,
                                      std::shared_ptr<client_handler> handler = nullptr);
  // Closes the connection without unbinding; stop() is the polite way.
  ~client();

  // Connects and binds, again and again until stop(). While a stop() is under way, after it.
  void start();
  // Unbinds politely and stops reconnecting. `done` runs when the connection is closed.
  void stop(std::function<void()> done = {});

  // Completes with void(std::error_code) once bound, or with the reason when the first attempt failed.
  // Cancellation: none; stop() completes it with errc::session_closed.
  template <class Token>
  auto async_bind(Token&& token) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [self = shared_from_this()](auto handler) {
          self->wait_bound(make_completion<std::error_code>(std::move(handler), self->executor_));
        },
        token);
  }

  // Completes with void(std::error_code, std::string message_id). `m` is encoded before this returns, so the request
  // is under way even if the operation is awaited later. Errors: those of session::request(), the peer's
  // command_status, response_timeout, session_closed. Cancellation: none; the timeout bounds the wait.
  template <class Token>
  auto async_submit(const submit_sm& m, request_options o, Token&& token) {
    return async_request(m, o, std::forward<Token>(token));
  }
  template <class Token>
  auto async_data(const data_sm& m, request_options o, Token&& token) {
    return async_request(m, o, std::forward<Token>(token));
  }

  // The handler way. Errors: as session::request(); session_closed while not bound; window_full with the field "rate"
  // while client_options::rate wants a pause, and on_ready() follows. The upper bit of the cookie is reserved for the
  // async_ operations.
  template <class Pdu>
  result<std::uint32_t> request(const Pdu& m, request_options o = {}) {
    if (!connection_ || !connection_->session().is_bound()) return errc::session_closed;
    if (!options_.rate) return connection_->request(m, o);
    if (!may_go()) return fault{make_error_code(errc::window_full), "rate"};
    auto sent = connection_->request(m, o);
    if (sent) options_.rate->take(driver_clock::now());
    return sent;
  }
  template <class Pdu>
  result<void> respond(std::uint32_t sequence, const Pdu& m, command_status status = command_status::ok) {
    if (!connection_) return errc::session_closed;
    return connection_->respond(sequence, m, status);
  }
  result<void> reject(std::uint32_t sequence, command_status status);
  void flush();

  [[nodiscard]] bool is_bound() const noexcept { return connection_ && connection_->session().is_bound(); }
  [[nodiscard]] std::size_t window_room() const noexcept {
    return is_bound() && !connection_->session().is_unbinding() ? connection_->session().window_room() : 0;
  }
  // Whether client_options::rate lets a request go now; if not, on_ready() will follow.
  bool may_go();
  // Operations whose outcome has not come, or was not awaited yet.
  [[nodiscard]] std::size_t open_operations() const noexcept { return outcomes_->size(); }
  // Null while not connected.
  [[nodiscard]] smpp::connection* current() const noexcept { return connection_.get(); }
  [[nodiscard]] const client_options& options() const noexcept { return options_; }
  [[nodiscard]] asio::any_io_executor executor() const { return executor_; }
  // Of this connection and those after it. Without client_options::trace, which sets its own.
  void set_observer(pdu_observer* o) noexcept;

 private:
  using bind_completion = completion<std::error_code>;

  template <class Pdu, class Token>
  auto async_request(const Pdu& m, request_options o, Token&& token) {
    // Encoded here and now: `m` holds views that need not outlive this call.
    return outcomes_->async_send(
        [&](std::uint64_t cookie) {
          o.cookie = cookie;
          const auto sent = request(m, o);
          return sent ? std::error_code{} : sent.error().code;
        },
        std::forward<Token>(token));
  }

  client(asio::any_io_executor executor, client_options options, std::shared_ptr<client_handler> handler);
  void wait_bound(std::unique_ptr<bind_completion> done);
  void took_answer(const outcome& o);
  void connect();
  void connected(std::error_code ec, std::shared_ptr<stream> transport);
  void lost(std::error_code reason);
  void complete_bind(std::error_code ec);

  struct bridge;  // connection_handler towards us

  asio::any_io_executor executor_;
  client_options options_;
  std::shared_ptr<client_handler> handler_;
  connector connector_;
  driver_timer retry_timer_;
  std::shared_ptr<smpp::connection> connection_;
  driver_timer rate_timer_;
  std::shared_ptr<async_outcomes> outcomes_;
  std::vector<std::unique_ptr<bind_completion>> binds_;  // who waits for the next bind
  std::function<void()> stopped_;
  pdu_observer* observer_ = nullptr;
  std::uint32_t attempt_ = 0;
  bool running_ = false;
  bool dialing_ = false;
  bool waiting_for_rate_ = false;
  bool leaving_ = false;  // stop() was called and the connection is not closed yet
};

// What a client without a handler answers: receipts ROK, everything else RX_P_APPN.
void refuse_unhandled(client& c, const pdu& m);

}  // namespace msgkit::smpp
