// One stream of an external component to its server (XEP-0114), as a state machine without socket, thread or clock.
//
//   session s(options, now);
//   transmit(s.take_output());                        // the stream's first tag
//   s.feed(octets, now);                              // whatever arrived, in any pieces
//   while (auto e = s.next_event()) handle(*e);       // may call send(), barrier(), ...
//   transmit(s.take_output());
//   wake_at(s.next_deadline());                       // then: s.on_time(now), and drain events and output again
//
// XEP-0114 has no acknowledgements. A barrier stands in for them: a ping (XEP-0199) that the server answers only after
// it has read everything written before. Every accepted barrier() gets exactly one event, confirmed or lost; every
// accepted request() exactly one, response. Pings of others are answered here; a silent server is pinged and then given
// up. Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/xmppcomp/stream_parser.hpp"

namespace msgkit::xmppcomp {

// Durations of zero switch the timer off.
struct session_options {
  std::string domain{};  // ours, e.g. sms.example.org
  std::string secret{};  // shared with the server
  // Who is pinged: a domain the server itself answers for. Empty: ours without its first label; ours when it has only
  // one.
  std::string server{};
  xml_limits limits{};                              // of what the server sends
  std::size_t stanza_bytes_max = 256 * 1024;        // of what we send; servers close the stream above 512 KiB or less
  std::size_t output_bytes_max = 4 * 1024 * 1024;   // written here and not yet taken; more is refused, queue_full
  std::size_t barriers_max = 100'000;               // without an outcome; more are refused, queue_full
  std::size_t pings_max = 4;                        // unanswered; further barriers wait and then share one
  std::size_t requests_max = 1'000;                 // our unanswered iqs; more are refused, queue_full
  std::chrono::milliseconds handshake_timeout{30'000};
  std::chrono::milliseconds ping_interval{30'000};  // silence of the server before we ask
  std::chrono::milliseconds ping_timeout{15'000};   // further silence before we give up
  std::chrono::milliseconds barrier_timeout{120'000};  // the server talks, but does not come to our ping
  std::chrono::milliseconds response_timeout{60'000};  // default of request()
  std::chrono::milliseconds partial_stanza_timeout{60'000};
  std::chrono::milliseconds close_timeout{5'000};
  std::uint64_t id_seed = 0;  // of our ids, besides the stream's own id: keeps answers of an earlier stream apart
};

enum class event_kind : std::uint8_t {
  open,       // authenticated: stanzas may be sent
  stanza,     // `stanza` holds a message, presence or iq for us; owe an iq of type get or set an answer
  response,   // outcome of request(): `stanza` holds the answer unless `reason` is response_timeout or session_closed;
              // `reason` is its stanza_condition when it is an error
  confirmed,  // outcome of barrier(): the server has read everything sent before it
  lost,       // outcome of barrier(): the stream ended first; nobody knows what the server has read
  closed,     // last event; `reason` is empty after our own close(), else a stream_condition or why the stream ended
};

// `stanza` points into the session: valid until the next next_event() or feed().
struct event {
  event_kind kind{};
  const element* stanza = nullptr;
  std::uint64_t cookie = 0;
  std::error_code reason{};
};

enum class session_state : std::uint8_t { connecting, authenticating, open, closing, closed };

struct session_counters {
  std::uint64_t stanzas_received = 0;
  std::uint64_t stanzas_sent = 0;
  std::uint64_t pings_answered = 0;       // of others, by us
  std::uint64_t unmatched_responses = 0;  // ignored: nobody asked, or somebody else than was asked answers
  std::uint64_t unknown_elements = 0;     // ignored: neither message nor presence nor iq
  std::uint64_t early_stanzas = 0;        // ignored: before the handshake was over
};

class session {
 public:
  // The connection is up; the stream's first tag is waiting in the output.
  session(session_options options, time_point now);

  // Takes what arrived. `octets` need to stay valid until next_event() has returned nullopt.
  void feed(bytes_view octets, time_point now);
  // The transport is gone: open barriers and requests get their outcome, then `closed` carries `reason`.
  void disconnected(std::error_code reason);
  std::optional<event> next_event();

  // output() ends the present group of barriers: those asked for since the last call share a ping.
  [[nodiscard]] bool has_output() const noexcept { return !output_.empty() || may_ping_for_barriers(); }
  bytes_view output();
  void clear_output() noexcept { output_.clear(); }
  std::string take_output();

  // When on_time() wants to be called; `never` without a timer.
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // Errors: not_connected; those of check_outgoing(); stanza_too_large; queue_full.
  result<void> send(const element& stanza);
  // The same for XML that check_outgoing() approved before it was written; outbox.hpp keeps stanzas so.
  result<void> send_checked(std::string_view xml);
  // Asks for a `confirmed` when the server has read all that was sent so far. Errors: not_connected, queue_full.
  result<void> barrier(std::uint64_t cookie);
  // Sends an iq of type get or set under an id of ours. An answer counts when it comes from whom we asked. A timeout of
  // zero is response_timeout. Errors: those of send().
  result<void> request(element iq, std::uint64_t cookie, std::chrono::milliseconds timeout = {});

  // Ends our stream and waits, for close_timeout, until the server ends its own. What it sends meanwhile still arrives.
  void close(time_point now);
  // Ends the session now. Output queued before is still to be sent.
  void abort(std::error_code reason);

  [[nodiscard]] session_state state() const noexcept { return state_; }
  [[nodiscard]] bool is_open() const noexcept { return state_ == session_state::open; }
  [[nodiscard]] bool is_closed() const noexcept { return state_ == session_state::closed; }
  [[nodiscard]] std::size_t open_barriers() const noexcept { return barriers_; }
  [[nodiscard]] std::size_t open_requests() const noexcept { return requests_.size(); }
  [[nodiscard]] std::size_t output_bytes() const noexcept { return output_.size(); }
  [[nodiscard]] const session_options& options() const noexcept { return options_; }
  [[nodiscard]] const session_counters& counters() const noexcept { return counters_; }
  // What the server said about the stream error that closed the session; may be empty.
  [[nodiscard]] const std::string& error_text() const noexcept { return error_text_; }

 private:
  struct ping {
    std::string id;
    time_point sent{};
    std::vector<std::uint64_t> cookies;  // empty: only to see whether the server is there
  };
  struct sent_request {
    std::uint64_t cookie = 0;
    std::string to;
    time_point deadline{};
  };

  std::optional<event> handle(stream_item item);
  void handle_header();
  std::optional<event> handle_element(const element& e);
  std::optional<event> handle_stanza(const element& e);
  std::optional<event> handle_response(const element& e);
  bool settle_ping(const element& e);
  bool is_ping_for_us(const element& e) const;
  void refuse(stream_condition c);

  [[nodiscard]] bool may_ping_for_barriers() const noexcept {
    return state_ == session_state::open && !waiting_.empty() && pings_.size() < options_.pings_max;
  }
  void send_ping(std::vector<std::uint64_t> cookies);
  std::string next_id();
  void finish(std::error_code reason);
  void expire_requests(time_point now);
  [[nodiscard]] static time_point after(time_point start, std::chrono::milliseconds period) noexcept {
    return period.count() == 0 || start == never ? never : start + period;
  }

  session_options options_;
  session_state state_ = session_state::connecting;
  stream_parser parser_;
  std::string output_;
  std::string scratch_;
  std::deque<event> queued_;  // events without a stanza

  std::vector<std::uint64_t> waiting_;  // barriers whose ping is not written yet
  std::deque<ping> pings_;              // unanswered, oldest first
  std::size_t barriers_ = 0;            // without an outcome
  std::unordered_map<std::string, sent_request> requests_;

  std::string id_prefix_;
  std::uint64_t id_count_ = 0;
  std::string error_text_;
  time_point now_;
  time_point handshake_deadline_;
  time_point close_deadline_ = never;
  time_point last_received_;
  time_point partial_since_ = never;
  time_point earliest_response_ = never;  // may be earlier than the truth
  session_counters counters_;
};

// Lower-case hexadecimal SHA-1 of the stream's id and the secret (XEP-0114 section 3).
std::string handshake_digest(std::string_view stream_id, std::string_view secret);

}  // namespace msgkit::xmppcomp
