// A GoIP SMS server on UDP: one session behind one or several sockets.
//
//   struct my_handler : goip::server_handler { void on_event(goip::server&, goip::event e) override { ... } };
//   auto server = goip::server::make(io.get_executor(), options, std::make_shared<my_handler>());
//   server->add_line({.id = "g1", .password = "secret"});
//   if (auto ec = server->listen()) ...
//
// Datagrams are read and written in batches. Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msgkit/core/net/completion.hpp"
#include "msgkit/core/net/ip_ranges.hpp"
#include "msgkit/goip/session.hpp"

namespace msgkit::goip {

class server;

class server_handler {
 public:
  virtual ~server_handler() = default;
  // All but the outcomes of async_ operations. May call the server.
  virtual void on_event(server&, event e) = 0;
  // All events of one batch of datagrams, or of one moment, have been handed over: the place to pass a batch on.
  virtual void on_batch_end(server&) {}
};

struct listen_address {
  // An address; "::" takes IPv6 only, list "0.0.0.0" beside it for both. Link-local peers cannot be answered.
  std::string host = "127.0.0.1";
  std::uint16_t port = 44444;      // 0: any free one, see server::port()
};

struct server_options {
  std::vector<listen_address> listen{listen_address{}};
  int receive_buffer_bytes = 1024 * 1024;  // of each socket; the system may grant less
  session_options session{};
  std::uint64_t seed = 0;  // of the numbers of conversations; 0: from the system's random device
};

// For line_options::source_allowed: whether an endpoint's address is in one of the ranges.
std::function<bool(const endpoint&)> only_from(ip_ranges ranges);

class server : public std::enable_shared_from_this<server> {
 public:
  // `handler` may be null when only async_ operations are used; inbound notifications are then left in the devices.
  static std::shared_ptr<server> make(asio::any_io_executor executor, server_options options,
                                      std::shared_ptr<server_handler> handler);
  ~server();

  // Errors: what the system says, e.g. address in use; asio::error::invalid_argument for a host that is no address.
  std::error_code listen();
  [[nodiscard]] std::uint16_t port(std::size_t index = 0) const noexcept;

  // As the session's methods of the same names. What they say leaves at the end of the current batch, or soon after when
  // called from outside one.
  result<line_key> add_line(line_options o);
  result<void> update_line(line_key line, line_options o);
  result<void> remove_line(line_key line);
  bool acknowledge(const ack_token& token);
  bool refuse(const ack_token& token, std::string_view words);
  bool abandon(const ack_token& token);
  // The upper bit of a cookie is reserved for the async_ operations.
  result<void> send_sms(line_key line, std::string_view destination, std::string_view text, std::uint64_t cookie);
  result<void> send_ussd(line_key line, std::string_view code, ussd_options o = {});
  result<void> exit_ussd(line_key line, std::uint64_t cookie = 0);
  result<void> send_command(line_key line, command what, std::span<const std::string_view> arguments,
                            std::uint64_t cookie);
  bool cancel_sms(line_key line, std::uint64_t cookie);

  // Completes with void(std::error_code, sms_done): no error when the SMS was sent, else the outcome's reason; a fault
  // of send_sms() comes with an empty outcome. Begins when awaited. Cancellation: none; the session's timers bound it.
  template <class Token>
  auto async_send_sms(line_key line, std::string destination, std::string text, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code, sms_done)>(
        [self = shared_from_this(), line, to = std::move(destination), t = std::move(text)](auto handler) {
          self->begin_sms(line, to, t, make_completion<std::error_code, sms_done>(std::move(handler), self->executor()));
        },
        token);
  }
  // Completes with void(std::error_code, ussd_done).
  template <class Token>
  auto async_ussd(line_key line, std::string code, bool is_choice, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code, ussd_done)>(
        [self = shared_from_this(), line, c = std::move(code), is_choice](auto handler) {
          self->begin_ussd(line, c, is_choice,
                           make_completion<std::error_code, ussd_done>(std::move(handler), self->executor()));
        },
        token);
  }
  // Completes with void(std::error_code, command_done).
  template <class Token>
  auto async_command(line_key line, command what, std::vector<std::string> arguments, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code, command_done)>(
        [self = shared_from_this(), line, what, a = std::move(arguments)](auto handler) {
          self->begin_command(line, what, a,
                              make_completion<std::error_code, command_done>(std::move(handler), self->executor()));
        },
        token);
  }

  // Takes no new work; `done` runs when every SMS that had begun has its outcome, or after `limit`. Devices are served
  // until stop().
  void drain(std::chrono::milliseconds limit, std::function<void()> done);
  // Closes the sockets. What is under way ends without an outcome event; drain() first.
  void stop();

  [[nodiscard]] const goip::session& session() const noexcept;
  [[nodiscard]] asio::any_io_executor executor() const;
  // Datagrams that the system refused to send.
  [[nodiscard]] std::uint64_t send_errors() const noexcept;

 private:
  using sms_completion = completion<std::error_code, sms_done>;
  using ussd_completion = completion<std::error_code, ussd_done>;
  using command_completion = completion<std::error_code, command_done>;

  server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler);
  void begin_sms(line_key line, const std::string& to, const std::string& text, std::unique_ptr<sms_completion> done);
  void begin_ussd(line_key line, const std::string& code, bool is_choice, std::unique_ptr<ussd_completion> done);
  void begin_command(line_key line, command what, const std::vector<std::string>& arguments,
                     std::unique_ptr<command_completion> done);

  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::goip
