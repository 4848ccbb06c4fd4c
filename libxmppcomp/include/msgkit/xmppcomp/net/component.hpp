// An external component that stays connected: resolves, connects, shakes hands, and after a loss begins again with a
// fresh session and the same outbox.
//
// Two ways to send: send() for what may be lost with the stream (presence, answers to an iq), push() for what may not:
// it waits for a connection if there is none and ends with exactly one outcome. Each has a way to wait for it as well:
// async_request() and async_push(). Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <functional>
#include <memory>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/core/net/completion.hpp"
#include "msgkit/core/net/connector.hpp"
#include "msgkit/xmppcomp/outbox.hpp"
#include "msgkit/xmppcomp/session.hpp"

namespace msgkit::xmppcomp {

class component;

class component_handler {
 public:
  virtual ~component_handler() = default;
  virtual void on_open(component&) {}
  // The stream is lost or could not be had. The component tries again by itself after `retry_in`, unless it is
  // negative: stopped. A reason like conflict or not_authorized needs somebody to look at it:
  // info(stream_condition).is_fatal.
  virtual void on_closed(component&, std::error_code reason, std::chrono::milliseconds retry_in) {
    (void)reason, (void)retry_in;
  }
  // A message, presence or iq for us. Owe an iq of type get or set an answer: send(). Pings are answered already.
  virtual void on_stanza(component&, const element& stanza) = 0;
  // What became of a push(); those of async_push() go to their completion handlers.
  virtual void on_outcome(component&, const outbox_outcome&) {}
  // The outbox refused a push() before and is half empty now.
  virtual void on_room(component&) {}
  // All stanzas of one read have been handed over.
  virtual void on_batch_end(component&) {}
};

struct component_options {
  connect_options connect{.port = 5347};
  // Makes the transport instead of `connect`: a tunnel, a simulation. Calls its argument once.
  std::function<void(connector::handler)> dial{};
  session_options session{};
  outbox_options outbox{};
  std::size_t transport_bytes_high = 256 * 1024;      // waiting for the socket: the outbox then holds back
  std::size_t transport_bytes_max = 8 * 1024 * 1024;  // beyond it the stream is cut: errc::output_limit
  backoff_options reconnect_backoff{};                 // 1 s doubling to 60 s, with jitter
  std::chrono::milliseconds fatal_retry{60'000};       // after what only a change of configuration can mend
  std::chrono::milliseconds stable_after{60'000};      // a stream that lived so long lets the back-off begin anew
  std::chrono::milliseconds drain_timeout{5'000};      // stop() waits so long for the outbox to become empty
  std::uint64_t seed = 0;  // of jitter and ids; 0: another one for each component of the process
};

class component : public std::enable_shared_from_this<component> {
 public:
  // Throws std::system_error when session.domain is no domain. The session's limits are raised to what the outbox
  // needs.
  static std::shared_ptr<component> make(asio::any_io_executor executor, component_options options,
                                         std::shared_ptr<component_handler> handler);
  // Cuts the connection; stop() is the polite way.
  ~component();
  component(const component&) = delete;
  component& operator=(const component&) = delete;

  // Connects, again and again until stop().
  void start();
  // Waits for the outbox, ends the stream, stops reconnecting. What is still in the outbox then ends with
  // errc::session_closed. `done` runs when all is over.
  void stop(std::function<void()> done = {});

  // Leaves at the end of the current read, or soon after. Errors: those of session::send().
  result<void> send(const element& stanza);
  // Errors: those of outbox::push(). The upper bit of the cookie is reserved for async_push().
  result<void> push(const element& stanza, std::uint64_t cookie);

  // Completes with void(std::error_code) when the server has read the stanza, or the outbox has given it up. `stanza`
  // is written down before this returns. Cancellation: none.
  template <class Token>
  auto async_push(const element& stanza, Token&& token) {
    const auto cookie = next_cookie();
    const auto pushed = push_as(stanza, cookie);
    return asio::async_initiate<Token, void(std::error_code)>(
        [self = shared_from_this(), cookie, failed = pushed ? std::error_code{} : pushed.error().code](auto handler) {
          self->wait_outcome(cookie, failed, make_completion<std::error_code>(std::move(handler), self->executor_));
        },
        token);
  }
  // Completes with void(std::error_code, element): the answer, also when it is an error and the code its
  // stanza_condition; an empty element without an answer. Cancellation: none; the session's response_timeout bounds it.
  template <class Token>
  auto async_request(element iq, Token&& token) {
    const auto cookie = next_cookie();
    const auto sent = request_as(std::move(iq), cookie);
    return asio::async_initiate<Token, void(std::error_code, element)>(
        [self = shared_from_this(), cookie, failed = sent ? std::error_code{} : sent.error().code](auto handler) {
          self->wait_response(cookie, failed,
                              make_completion<std::error_code, element>(std::move(handler), self->executor_));
        },
        token);
  }

  [[nodiscard]] bool is_open() const noexcept;
  // Null while there is no connection.
  [[nodiscard]] const xmppcomp::session* current() const noexcept;
  [[nodiscard]] const xmppcomp::outbox& outbox() const noexcept { return outbox_; }
  [[nodiscard]] const component_options& options() const noexcept { return options_; }
  [[nodiscard]] asio::any_io_executor executor() const { return executor_; }
  // Back-pressure towards the server, while connected.
  void pause_reading();
  void resume_reading();

 private:
  class link;  // one stream and its session
  struct waiting;
  using push_completion = completion<std::error_code>;
  using request_completion = completion<std::error_code, element>;

  component(asio::any_io_executor executor, component_options options, std::shared_ptr<component_handler> handler);
  std::uint64_t next_cookie();
  result<void> push_as(const element& stanza, std::uint64_t cookie);
  result<void> request_as(element iq, std::uint64_t cookie);
  void wait_outcome(std::uint64_t cookie, std::error_code failed, std::unique_ptr<push_completion> done);
  void wait_response(std::uint64_t cookie, std::error_code failed, std::unique_ptr<request_completion> done);

  void connect();
  void connected(std::error_code ec, std::shared_ptr<stream> transport);
  void opened();
  void lost(std::error_code reason);
  void responded(const event& e);
  void deliver_outcomes();
  void leave();
  void finish_stop();
  std::chrono::milliseconds retry_delay(std::error_code reason);

  asio::any_io_executor executor_;
  component_options options_;
  std::shared_ptr<component_handler> handler_;
  connector connector_;
  driver_timer timer_;  // of reconnecting, and of stop()'s patience
  xmppcomp::outbox outbox_;
  std::shared_ptr<link> link_;
  std::unique_ptr<waiting> waiting_;
  std::function<void()> stopped_;
  time_point opened_at_ = never;
  std::uint32_t attempt_ = 0;
  std::uint64_t streams_ = 0;
  bool running_ = false;
  bool dialing_ = false;
  bool stopping_ = false;
  bool refused_ = false;  // a push() since the last on_room()
};

}  // namespace msgkit::xmppcomp
