// The server's side of all lines behind one address, as a state machine without socket, thread or clock.
//
//   session s(options, seed);
//   s.add_line({.id = "g1", .password = "secret"});
//   s.feed(from, datagram, now);
//   while (auto e = s.next_event()) handle(*e);       // may call acknowledge(), send_sms(), ...
//   for (const auto& d : s.output()) transmit(d.to, d.octets);
//   s.clear_output();
//   wake_at(s.next_deadline());                       // then: s.on_time(now), and drain events and output again
//
// Keepalives are answered here. An inbound SMS, delivery report, USSD text or call event is handed out once and answered
// when the caller says so, which should be after it is on disk; repetitions are answered again, and never handed out
// twice. Every datagram is authenticated, whatever it is. Commands go to the source of the last keepalive that was
// accepted, and answers to them count only from there.
// Not thread-safe: owned by one driver.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/goip/command.hpp"
#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/event.hpp"

namespace msgkit::goip {

// Which failed keepalives are answered with `failure_status`. Answers are never longer than what they answer, and stop
// when a source has used up its failure rate. Failed notifications are never answered.
enum class failure_reply : std::uint8_t { nobody, known_lines, everybody };

struct session_options {
  std::chrono::milliseconds dead_after{95'000};      // three keepalives missed, and a little
  std::chrono::milliseconds endpoint_hold{60'000};   // how long a live endpoint is kept against another source
  std::int64_t registered_status = 200;              // older firmware may want 0
  std::int64_t failure_status = 404;
  failure_reply answer_failures = failure_reply::known_lines;

  // Failures that one source address (IPv6: /64) may cause per minute; beyond it only a line's own endpoint is heard.
  std::size_t failures_per_minute = 20;
  std::size_t sources_max = 4'096;                   // addresses with failures that are remembered

  std::chrono::milliseconds dedupe_window{600'000};
  std::size_t dedupe_max = 64;                       // notifications remembered per line
  std::size_t open_tokens_max = 32;                  // unanswered notifications per line; more are left to be repeated
  std::size_t events_max = 65'536;                   // not yet taken; beyond it notifications are left to be repeated
  std::size_t output_bytes_max = 4 * 1024 * 1024;    // not yet taken; beyond it datagrams are dropped, as a network does
  std::size_t lines_max = 100'000;

  // The bulk session. MSG and PASSWORD: three times, after which nothing was sent.
  std::chrono::milliseconds step_timeout{2'000};     // doubles with every try
  std::size_t step_tries = 3;
  std::chrono::milliseconds send_repeat_after{5'000};  // SEND again, same numbers, when not even WAIT came
  std::chrono::milliseconds poll_interval{10'000};     // SEND again after WAIT
  std::size_t send_repeats_max = 3;                    // 0: never, for devices that send twice
  std::chrono::milliseconds send_timeout{60'000};      // from the first SEND; then the outcome is unknown
  std::chrono::milliseconds done_timeout{2'000};
  std::chrono::milliseconds rest_after_logout{100'000};  // after GSM_LOGOUT

  std::chrono::milliseconds report_window{std::chrono::hours{1}};  // sms_no is looked up in what was sent since
  std::size_t reports_max = 256;                      // sent SMS remembered per line for that
  std::chrono::milliseconds early_report_wait{10'000};  // a report that came before the OK it belongs to

  std::chrono::milliseconds ussd_timeout{120'000};
  std::chrono::milliseconds ussd_repeat_after{60'000};  // once; an early repetition breaks the dialogue on some devices
  std::chrono::milliseconds command_timeout{5'000};     // of one try
  std::size_t command_tries = 3;
  std::size_t commands_max = 8;                         // under way per line
};

struct session_counters {
  std::uint64_t datagrams_received = 0;
  std::uint64_t oversize = 0;          // too long or cut
  std::uint64_t malformed = 0;
  std::uint64_t keepalives = 0;        // accepted
  std::uint64_t notifications = 0;     // accepted, repetitions included
  std::uint64_t unknown_verbs = 0;     // accepted and answered all the same
  std::uint64_t anomalies = 0;         // what parsers tolerated, see diagnostics
  std::uint64_t unknown_line = 0, wrong_password = 0, disabled_line = 0, source_refused = 0;
  std::uint64_t rate_limited = 0;      // not looked at: the source had failed too often
  std::uint64_t endpoint_moves = 0, endpoint_holds = 0;
  std::uint64_t duplicates = 0;        // repetitions of notifications
  std::uint64_t deferred = 0;          // notifications left to be repeated: open_tokens_max or events_max
  std::uint64_t acknowledgements = 0;
  std::uint64_t unmatched_replies = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t output_dropped = 0;
  std::uint64_t sms_sent = 0, sms_failed = 0, sms_unknown = 0, sms_expired = 0;
};

struct datagram {
  endpoint to{};
  bytes_view octets{};
};

struct ussd_options {
  bool is_choice = false;  // the answer to a menu: any text, not only a code
  std::uint64_t cookie = 0;
};

class session {
 public:
  // `seed` makes the numbers of conversations hard to guess; take it from a random device.
  session(const session_options& options, std::uint64_t seed);
  ~session();
  session(session&&) noexcept;
  session& operator=(session&&) noexcept;

  // Errors: invalid_argument or field_too_long or forbidden_character naming `id` or `password`, duplicate_line,
  // queue_full (lines_max).
  result<line_key> add_line(line_options options);
  // Keeps state, queue and dedupe memory. Another id is not possible. Errors: as add_line(), unknown_line.
  result<void> update_line(line_key line, line_options options);
  // Everything under way ends: what was not sent fails, what may have been sent is unknown.
  result<void> remove_line(line_key line);
  [[nodiscard]] std::optional<line_key> find_line(std::string_view id) const;
  [[nodiscard]] std::size_t line_count() const noexcept;
  // Null for a line that is gone; valid until the line is removed.
  [[nodiscard]] const line_status* status(line_key line) const noexcept;
  [[nodiscard]] const line_options* options_of(line_key line) const noexcept;

  // Takes one datagram. `truncated`: the kernel has cut it.
  void feed(const endpoint& from, bytes_view datagram, time_point now, bool truncated = false);
  std::optional<event> next_event();

  // Valid until the next call of anything but next_event().
  [[nodiscard]] std::span<const datagram> output();
  void clear_output() noexcept;
  [[nodiscard]] bool has_output() const noexcept;

  // When on_time() wants to be called; `never` without a timer.
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // "It is on disk": `VERB n OK` leaves, now and for every repetition. False when the token is not open (any more).
  bool acknowledge(const ack_token& token);
  // "We will not have it": `VERB n ERROR <words>`. Control characters in `words` are replaced.
  bool refuse(const ack_token& token, std::string_view words);
  // "We could not keep it": stays silent, and the device's next repetition is handed out anew.
  bool abandon(const ack_token& token);

  // Queues an SMS. `cookie` comes back in sms_done and report_received. Errors: text_too_long, invalid_utf8,
  // invalid_destination, unknown_line, line_disabled, queue_full, draining.
  result<void> send_sms(line_key line, std::string_view destination, std::string_view text, std::uint64_t cookie,
                        time_point now);
  // A code such as "*100#", or the choice from a menu. One dialogue at a time on a line. Errors: invalid_ussd_code,
  // unknown_line, line_disabled, line_offline, busy, draining.
  result<void> send_ussd(line_key line, std::string_view code, time_point now, ussd_options o = {});
  // Closes the network's dialogue (USSDEXIT); a menu that is not wanted any more. Answered by ussd_done.
  result<void> exit_ussd(line_key line, time_point now, std::uint64_t cookie = 0);
  // Errors: invalid_argument, unknown_line, line_disabled, line_offline, busy (commands_max), draining.
  result<void> send_command(line_key line, command what, std::span<const std::string_view> arguments,
                            std::uint64_t cookie, time_point now);

  // SMS of a line that wait or are under way.
  [[nodiscard]] std::size_t pending_sms(line_key line) const noexcept;
  // Withdraws an SMS that has not begun: it fails with `canceled`. False when there is none of this cookie.
  bool cancel_sms(line_key line, std::uint64_t cookie);

  // Takes no new work, fails what waits, and lets what has begun end; is_idle() says when it has.
  void drain(time_point now);
  [[nodiscard]] bool is_idle() const noexcept;

  [[nodiscard]] const session_counters& counters() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::goip
