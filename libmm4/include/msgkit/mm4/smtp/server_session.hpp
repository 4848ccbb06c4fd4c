// The server's side of one SMTP connection (RFC 5321) as a state machine without socket, thread or clock.
//
//   server_session s(options, now);                   // the greeting is in output()
//   s.feed(octets, now);
//   while (auto e = s.next_event()) handle(*e);       // some events wait for answer(): at once or later
//   transmit(s.take_output());
//   wake_at(s.next_deadline());                       // then: s.on_time(now), and drain events and output again
//
// SIZE, 8BITMIME, PIPELINING, ENHANCEDSTATUSCODES, CHUNKING, STARTTLS and AUTH PLAIN and LOGIN are handled here, as are
// wrong sequences, limits, and octets a peer may not send: bare CR or LF, data before 354, commands behind STARTTLS.
// Nothing is acknowledged here: the reply to a message is the caller's, when it has stored it.
// Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/mm4/errc.hpp"
#include "msgkit/mm4/smtp/command.hpp"
#include "msgkit/mm4/smtp/data.hpp"
#include "msgkit/mm4/smtp/reply.hpp"

namespace msgkit::mm4::smtp {

struct server_session_options {
  std::string host_name = "localhost";
  std::string greeting = "ESMTP MM4";                 // behind the host name in the first reply
  std::size_t message_bytes_max = 32 * 1024 * 1024;   // announced as SIZE
  std::size_t recipients_max = 1'000;                 // per message; more are answered 452
  std::size_t command_line_max = 2'048;               // octets; longer lines are answered 500 and skipped
  std::size_t input_bytes_max = 256 * 1024;           // kept while an answer is awaited; more ends the session
  unsigned errors_max = 20;                           // refused commands until 421
  unsigned authentications_max = 3;                   // failed ones until 421
  bool offer_tls = false;                             // the driver can start TLS
  bool require_tls = false;                           // no MAIL without it
  bool is_tls = false;                                // the connection began with TLS
  bool offer_auth = false;
  bool auth_without_tls = false;
  bool require_auth = false;                          // no MAIL without it
  bool offer_chunking = true;
  std::chrono::milliseconds command_timeout{300'000};  // from the last reply to the end of the next command
  std::chrono::milliseconds data_timeout{180'000};     // between octets of a message
  std::chrono::milliseconds message_timeout{1'800'000};  // for a message as a whole
};

enum class server_event_kind : std::uint8_t {
  authenticate,  // answer() with accept_auth() or a refusal; `text` is the user, `password` the password
  start_tls,     // when output is sent: make the transport TLS, then call tls_started()
  mail,          // answer(); `text` is the mailbox, empty for <>
  recipient,     // answer(); `text` is the mailbox
  data_begin,    // content follows
  data,          // `octets` of content, dot-stuffing undone
  data_end,      // answer() once the message is stored, or with why not
  data_aborted,  // the message is not complete or was refused by the session: forget it
  closed,        // last event; `reason` is empty after QUIT
};

// Views are valid until the next feed() or next_event().
struct server_event {
  server_event_kind kind{};
  std::string_view text{};
  std::string_view password{};
  bytes_view octets{};
  std::error_code reason{};
};

class server_session {
 public:
  server_session(const server_session_options& options, time_point now);

  // Drain next_event() before: content that was not handed out yet points into what came before.
  void feed(bytes_view octets, time_point now);
  void disconnected(std::error_code reason);
  std::optional<server_event> next_event();

  // Answers the event that waits. A positive code accepts: 250 for mail, recipient and data_end, 235 for authenticate.
  void answer(const reply& r, time_point now);
  // Whether an event waits for its answer.
  [[nodiscard]] bool awaits_answer() const noexcept { return awaited_ != awaited::nothing; }
  void tls_started(time_point now);
  // Sends 421 with this text and ends.
  void shut_down(std::string_view text);

  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept { output_.clear(); }
  byte_vector take_output() noexcept { return std::exchange(output_, {}); }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  [[nodiscard]] bool is_tls() const noexcept { return tls_; }
  [[nodiscard]] const std::string& hello_name() const noexcept { return hello_; }
  [[nodiscard]] const std::string& user() const noexcept { return user_; }  // authenticated as

  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

 private:
  enum class phase : std::uint8_t { start, ready, mail, recipients, data, message_end, chunk, login_user, login_password, plain };
  enum class awaited : std::uint8_t { nothing, auth, tls, mail, recipient, message };

  std::optional<server_event> read_line();
  std::optional<server_event> read_data();
  std::optional<server_event> read_chunk();
  std::optional<server_event> handle(std::string_view line);
  std::optional<server_event> handle_mail(std::string_view argument);
  std::optional<server_event> handle_recipient(std::string_view argument);
  std::optional<server_event> handle_data();
  std::optional<server_event> handle_bdat(std::string_view argument);
  std::optional<server_event> handle_starttls();
  std::optional<server_event> handle_auth(std::string_view argument);
  std::optional<server_event> handle_auth_line(std::string_view line);
  std::optional<server_event> authenticate(credentials c);
  std::optional<server_event> end_message(bool refused);
  void greet(std::string_view name, bool extended);
  void say(int code, std::string_view enhanced, std::string_view text);
  void refuse(int code, std::string_view enhanced, std::string_view text);
  void reset_transaction() noexcept;
  void finish(std::error_code reason);
  void count_error();
  void touch(time_point now);
  [[nodiscard]] bytes_view rest() const noexcept { return bytes_view{input_}.subspan(at_); }

  server_session_options options_;
  phase phase_ = phase::start;
  awaited awaited_ = awaited::nothing;
  byte_vector input_;
  std::size_t at_ = 0;  // of input_ that was looked at
  byte_vector output_;
  std::string line_;    // the text of the event
  std::string hello_, user_;
  credentials credentials_;
  data_decoder decoder_;
  std::vector<bytes_view> runs_;  // decoded content to be handed out; points into input_
  std::size_t next_run_ = 0;
  std::size_t message_bytes_ = 0;
  std::uint64_t chunk_left_ = 0;
  bool chunk_last_ = false, chunk_refused_ = false, in_message_ = false;
  std::size_t recipients_ = 0;
  bool skipping_line_ = false;
  bool extended_ = false;
  bool tls_;
  bool closed_ = false, closed_told_ = false, abort_told_ = true;
  std::error_code close_reason_;
  unsigned errors_ = 0, failed_authentications_ = 0;
  time_point now_, command_deadline_, data_deadline_ = never, message_deadline_ = never;
};

}  // namespace msgkit::mm4::smtp
