// The client's side of one SMTP connection (RFC 5321) as a state machine without socket, thread or clock.
//
//   client_session s(options, now);
//   s.feed(octets, now);
//   while (auto e = s.next_event()) handle(*e);       // after `ready`: send()
//   transmit(s.take_output());                        // and s.produce() whenever that has left, while has_more()
//   wake_at(s.next_deadline());                       // then: s.on_time(now), and drain events and output again
//
// EHLO with a fall back to HELO, STARTTLS, AUTH PLAIN or LOGIN, one transaction at a time, envelope commands pipelined
// when the server can. A large message never stands in the output as a whole.
// Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/mm4/errc.hpp"
#include "msgkit/mm4/smtp/data.hpp"
#include "msgkit/mm4/smtp/reply.hpp"

namespace msgkit::mm4::smtp {

enum class tls_policy : std::uint8_t { never, if_offered, required };

struct client_session_options {
  std::string host_name = "localhost";  // said in EHLO
  tls_policy tls = tls_policy::if_offered;
  bool can_tls = false;                 // the driver can start TLS; without it if_offered is never
  bool is_tls = false;                  // the connection began with TLS
  std::string user{}, password{};       // empty user: no AUTH
  bool auth_without_tls = false;
  bool use_pipelining = true;
  bool use_chunking = false;            // BDAT in place of DATA when the server offers it
  std::chrono::milliseconds greeting_timeout{60'000};
  std::chrono::milliseconds command_timeout{120'000};
  std::chrono::milliseconds data_timeout{180'000};      // while content leaves, since the last produce()
  std::chrono::milliseconds data_end_timeout{600'000};  // from the end of the message to its reply (RFC 5321 4.5.3.2.6)
};

struct transaction {
  std::string mail_from{};            // mailbox without brackets
  std::vector<std::string> rcpt_to{};
  bytes_view content{};               // a mail; must live until the outcome. Dot-stuffing is added here
  std::uint64_t cookie = 0;
};

struct recipient_result {
  std::string mailbox{};
  reply answer{};     // to RCPT; code 0 when it was not asked
};

// What became of a transaction: exactly one per send().
struct transaction_outcome {
  std::uint64_t cookie = 0;
  // Empty: the message was accepted for the recipients whose answer is positive. refused or refused_temporarily: `answer`
  // says why. delivery_unknown: the connection ended after the message had left and before its answer came.
  std::error_code error{};
  reply answer{};  // the last one that decided
  std::vector<recipient_result> recipients{};
};

enum class client_event_kind : std::uint8_t {
  start_tls,  // make the transport TLS, then call tls_started()
  ready,      // send() may be called
  outcome,    // and ready again, unless closed follows
  closed,     // last event; `reason` is empty after quit()
};

struct client_event {
  client_event_kind kind{};
  const transaction_outcome* outcome = nullptr;  // valid until the next next_event()
  std::error_code reason{};
  std::string_view text{};  // of closed: what the server said last
};

class client_session {
 public:
  client_session(const client_session_options& options, time_point now);

  void feed(bytes_view octets, time_point now);
  void disconnected(std::error_code reason);
  std::optional<client_event> next_event();

  // Errors: state_forbids (not ready), recipients_missing, unsafe_command, size_exceeded. Then there is no outcome.
  result<void> send(transaction t, time_point now);
  void tls_started(time_point now);
  void quit(time_point now);
  // Keeps an idle connection alive. Only when ready.
  result<void> noop(time_point now);

  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept { output_.clear(); }
  byte_vector take_output() noexcept { return std::exchange(output_, {}); }
  // Content still to be produced. produce() adds up to 64 KiB of it to the output.
  [[nodiscard]] bool has_more() const noexcept { return state_ == state::content; }
  void produce(time_point now);

  [[nodiscard]] bool is_ready() const noexcept { return state_ == state::ready; }
  [[nodiscard]] bool is_closed() const noexcept { return state_ == state::closed; }
  [[nodiscard]] std::uint64_t size_limit() const noexcept { return size_limit_; }  // announced; 0: none

  [[nodiscard]] time_point next_deadline() const noexcept { return deadline_; }
  void on_time(time_point now);

 private:
  enum class state : std::uint8_t {
    greeting, ehlo, helo, starttls, tls, auth_plain, auth_login, auth_user, auth_password,
    ready, noop, envelope, data, content, data_end, rset, quit, closed
  };

  void handle(const reply& r);
  void handle_hello(const reply& r);
  void handle_envelope(const reply& r);
  void after_hello();
  void begin_auth();
  void next_envelope_commands();
  void envelope_finished();
  void command(std::string_view line, state next);
  void become_ready();
  void complete(std::error_code error, reply answer);
  void forget_ready();
  void finish(std::error_code reason);
  [[nodiscard]] bool offers(std::string_view extension) const noexcept;
  [[nodiscard]] bool auth_offers(std::string_view mechanism) const noexcept;

  client_session_options options_;
  state state_ = state::greeting;
  std::string input_;
  byte_vector output_;
  reply_parser parser_;
  std::vector<std::string> extensions_;
  std::uint64_t size_limit_ = 0;
  bool tls_;
  bool authenticated_ = false;

  transaction current_;
  transaction_outcome outcome_;
  data_encoder encoder_;
  std::size_t sent_commands_ = 0;      // of MAIL and RCPT
  std::size_t answered_commands_ = 0;
  std::size_t produced_ = 0;           // of the content
  bool chunking_ = false;
  struct queued_event {
    client_event_kind kind{};
    std::error_code reason{};
    transaction_outcome outcome{};
  };
  std::deque<queued_event> events_;
  queued_event shown_;  // what the last event points to
  std::string last_text_;
  time_point now_, deadline_;
};

}  // namespace msgkit::mm4::smtp
