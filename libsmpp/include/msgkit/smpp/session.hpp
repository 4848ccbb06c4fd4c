// One SMPP session as a state machine without socket, thread or clock (SMPP 3.4 chapter 2, 5.0 section 2.3).
//
//   session s(options, now);
//   s.feed(octets, now);                              // whatever arrived, in any pieces
//   while (auto e = s.next_event()) handle(*e);       // may call request(), respond(), ...
//   transmit(s.take_output());
//   wake_at(s.next_deadline());                       // then: s.on_time(now), and drain events and output again
//
// Both roles are the same class. enquire_link, unbind, wrong states, unknown commands, undecodable bodies and broken
// framing are answered here; what reaches the caller as an event is meant for it. Every accepted request() gets exactly
// one outcome event: response, nack or failed.
// Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/smpp/codec.hpp"
#include "msgkit/smpp/congestion.hpp"
#include "msgkit/smpp/peer_profile.hpp"
#include "msgkit/smpp/sequence_map.hpp"

namespace msgkit::smpp {

enum class role : std::uint8_t { esme, mc };

constexpr std::size_t window_size_max = 65'536;
constexpr std::uint32_t sequence_max = 0x7FFFFFFF;  // of those we give; a peer may use all 32 bits

// Durations of zero switch the timer off.
struct session_options {
  smpp::role role = role::esme;
  std::size_t window_size = 10;             // our unanswered requests, 1..window_size_max
  std::size_t inbound_window_size = 1'000;  // the peer's unanswered requests; more are answered ESME_RTHROTTLED
  std::size_t pdu_bytes_max = pdu_bytes_max_default;
  std::uint8_t interface_version = 0x34;    // what we offer; the lower of both sides counts
  std::chrono::milliseconds bind_timeout{30'000};          // from connect to bind, and from bind to its response
  std::chrono::milliseconds response_timeout{60'000};      // default of request_options::timeout
  std::chrono::milliseconds enquire_link_interval{30'000};  // silence of the peer before we ask
  std::chrono::milliseconds enquire_link_timeout{10'000};   // further silence before we give up
  std::chrono::milliseconds inactivity_timeout{0};          // no message or response for so long ends the session
  std::chrono::milliseconds partial_pdu_timeout{30'000};
  std::chrono::milliseconds unbind_timeout{5'000};
  std::chrono::milliseconds congestion_memory{30'000};  // how long a congestion_state is heeded
  std::uint32_t first_sequence = 1;                     // 1..sequence_max; ours then count up, wrap to 1, skip open ones
  peer_profile profile{};
};

struct request_options {
  std::chrono::milliseconds timeout{0};  // from now to the response; 0: session_options::response_timeout
  std::uint64_t cookie = 0;              // comes back in the outcome
};

enum class event_kind : std::uint8_t {
  bind_requested,  // MC: `pdu` holds a bind_*; answer with accept_bind() or refuse_bind(), now or later
  bound,           // the bind has been accepted, by the peer (ESME, `pdu` is its response) or by us (MC, no `pdu`)
  bind_refused,    // ESME: `pdu` holds the bind_*_resp with its status; the session closes
  outbind,         // ESME: `pdu` holds an outbind; bind() is expected next
  request,         // `pdu` holds a request; owe it a respond() unless the command has no response
  response,        // outcome: `pdu` holds the response; `reason` is its status when that is not ok
  nack,            // outcome: `pdu` holds a generic_nack; `reason` is its status
  failed,          // outcome: no answer; `reason` is response_timeout or session_closed; the oldest request first
  unbinding,       // the peer wants to leave; outstanding responses are still sent before we agree
  closed,          // last event; `reason` is empty after our own unbind() or close(), else says why
};

// `pdu` points into the session and its views into the received octets: valid until the next next_event() or feed().
struct event {
  event_kind kind{};
  const smpp::pdu* pdu = nullptr;
  std::uint32_t sequence = 0;  // of the request or outcome
  std::uint64_t cookie = 0;    // of the outcome
  std::error_code reason{};
};

enum class direction : std::uint8_t { received, sent };

// Sees every PDU as octets. Message text and passwords are in there: meant for troubleshooting, not for logs.
class pdu_observer {
 public:
  virtual ~pdu_observer() = default;
  virtual void on_pdu(direction d, const header& h, bytes_view octets) = 0;
};

struct session_counters {
  std::uint64_t pdus_received = 0;
  std::uint64_t pdus_sent = 0;
  std::uint64_t undecodable_requests = 0;  // answered with an error status
  std::uint64_t unknown_commands = 0;      // answered with generic_nack
  std::uint64_t wrong_state_requests = 0;  // answered ESME_RINVBNDSTS or ESME_RALYBND
  std::uint64_t throttled_requests = 0;    // over inbound_window_size
  std::uint64_t unmatched_responses = 0;   // ignored: unknown, late or duplicate sequence number
  std::uint64_t undecodable_responses = 0;  // counted as the outcome their header gives
};

class session {
 public:
  // The connection is up. An ESME calls bind() next; an MC waits for one.
  session(const session_options& options, time_point now);

  // Takes what arrived. `octets` need to stay valid until next_event() has returned nullopt.
  void feed(bytes_view octets, time_point now);
  // The transport is gone: open requests fail with session_closed, then `closed` carries `reason`.
  void disconnected(std::error_code reason);
  std::optional<event> next_event();

  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept;
  byte_vector take_output() noexcept { return std::exchange(output_, {}); }

  // When on_time() wants to be called; `never` without a timer.
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // ESME: asks to bind. Passwords longer than the specification's 8 characters are sent: peers ask for them.
  // Errors: state_forbids; encoding errors.
  result<void> bind(bind_mode mode, const bind_transceiver& parameters, time_point now);
  // MC: answers bind_requested. `system_id` is ours.
  result<void> accept_bind(std::string_view system_id, time_point now);
  // Answers and closes the session.
  result<void> refuse_bind(command_status status);
  // MC: asks the ESME to bind. Errors: state_forbids; encoding errors.
  result<void> send_outbind(const outbind& m);

  // Sends a request, or one without a response (alert_notification), and returns its sequence number. A peer of 3.3 is
  // sent no TLVs: they are left out, unless the message is in them.
  // Errors: window_full, state_forbids, session_closed; version_forbids for what 3.3 does not have; pdu_too_long;
  // encoding errors with the field.
  template <class Pdu>
  result<std::uint32_t> request(const Pdu& m, time_point now, request_options o = {});

  // Answers a request event, in any order. `Pdu` is the response belonging to the request.
  // Errors: unknown_sequence (not open, or answered before), session_closed, pdu_too_long; encoding errors. The request
  // is then still open.
  template <class Pdu>
  result<void> respond(std::uint32_t sequence, const Pdu& m, command_status status = command_status::ok);
  // Answers with an error status and no body.
  result<void> reject(std::uint32_t sequence, command_status status);

  // Begins a polite end: no new requests go out, open ones may still be answered; closes when the peer agrees or
  // unbind_timeout passes. Without a bind the session closes at once.
  void unbind(time_point now);
  // Ends the session now. Output queued before is still to be sent.
  void close(std::error_code reason);

  [[nodiscard]] session_state state() const noexcept { return state_; }
  [[nodiscard]] bool is_bound() const noexcept { return (in(state_) & in_bound) != 0; }
  [[nodiscard]] bool is_closed() const noexcept { return state_ == session_state::closed; }
  // The peer has asked to unbind or we have: requests are refused.
  [[nodiscard]] bool is_unbinding() const noexcept { return unbind_sequence_ || peer_unbind_sequence_; }
  [[nodiscard]] smpp::role role() const noexcept { return options_.role; }
  // The lower of both sides' versions, once bound.
  [[nodiscard]] std::uint8_t interface_version() const noexcept { return version_; }
  [[nodiscard]] std::size_t open_requests() const noexcept { return sent_.size(); }
  // How many requests may go out now: the window, as far as the peer's congestion_state opens it, less those open.
  [[nodiscard]] std::size_t window_room() const noexcept {
    const auto limit = congestion_.limit(now_);
    return sent_.size() < limit ? limit - sent_.size() : 0;
  }
  // What the peer last reported, 0..100; nothing when it does not or has not for congestion_memory.
  [[nodiscard]] std::optional<std::uint8_t> congestion_state() const noexcept { return congestion_.state(now_); }
  [[nodiscard]] std::size_t unanswered_requests() const noexcept { return received_.size(); }
  // Our requests still without an outcome: their sequence numbers, the oldest first.
  [[nodiscard]] std::vector<std::uint32_t> open_sequences() const;
  [[nodiscard]] const session_counters& counters() const noexcept { return counters_; }
  // Null switches it off. Not owned.
  void set_observer(pdu_observer* o) noexcept { observer_ = o; }

 private:
  struct sent_request {
    command_id id{};
    std::uint64_t cookie = 0;
    time_point deadline{};
  };
  struct received_request {
    command_id id{};
  };

  // Input
  void keep_rest();
  std::optional<event> handle(bytes_view frame);
  std::optional<event> handle_request(const header& h, bytes_view frame);
  std::optional<event> handle_response(const header& h, bytes_view frame);
  std::optional<event> handle_bind(const header& h, bytes_view frame);
  std::optional<event> handle_bind_response(const header& h, bytes_view frame);
  std::optional<event> handle_unbind(const header& h);
  void refuse_in_state(const header& h, const command_info& info);
  bool decode_into_current(bytes_view frame);
  [[nodiscard]] const tlv_list* current_tlvs() const noexcept;
  void heed_congestion() noexcept;
  void set_version(std::uint8_t version) noexcept;
  void enter_bound() noexcept;
  [[nodiscard]] bool speaks_3_3() const noexcept { return version_ < 0x34; }

  // Output
  template <class Pdu>
  result<void> put(const Pdu& m, std::uint32_t sequence, command_status status = command_status::ok,
                   length_limits limits = length_limits::specification);
  template <class Pdu>
  result<void> put_adapted(Pdu m, std::uint32_t sequence, command_status status, length_limits limits);
  template <class... Pdus>
  void put_empty(type_list<Pdus...>, command_id id, std::uint32_t sequence, command_status status);
  void put_bare(command_id id, std::uint32_t sequence, command_status status = command_status::ok);
  void put_error(command_id request, std::uint32_t sequence, command_status status);
  void after_put(std::size_t at);
  std::uint32_t take_sequence() noexcept;

  // Ends and timers
  void finish(std::error_code reason);
  void maybe_agree_to_unbind();
  void expire_requests(time_point now);
  template <class IsDue>
  void fail_requests(IsDue is_due, std::error_code reason);
  [[nodiscard]] std::uint32_t age(std::uint32_t sequence) const noexcept;
  [[nodiscard]] time_point after(time_point start, std::chrono::milliseconds period) const noexcept {
    return period.count() == 0 ? never : start + period;
  }

  session_options options_;
  session_state state_ = session_state::open;
  std::uint8_t version_ = 0;
  bool adapts_ = false;      // PDUs to this peer are not sent as they are: put_adapted()
  pdu_observer* observer_ = nullptr;

  byte_vector pending_;      // octets of an unfinished PDU
  bytes_view input_{};       // what next_event() still has to look at: the caller's octets or pending_
  bool input_is_pending_ = false;
  pdu current_;
  byte_vector output_;
  std::vector<event> queued_;  // events without a PDU: failures and the end
  std::size_t queued_next_ = 0;

  sequence_map<sent_request> sent_;
  sequence_map<received_request> received_;
  std::uint32_t next_sequence_ = 1;
  congestion_window congestion_;

  time_point now_;                     // the latest the caller told us
  time_point bind_deadline_;
  time_point last_received_;
  time_point last_message_;
  time_point partial_since_ = never;
  time_point earliest_response_ = never;  // no open request expires before; may be earlier than the truth
  time_point unbind_deadline_ = never;
  time_point enquire_deadline_ = never;
  std::optional<std::uint32_t> enquire_sequence_;
  std::optional<std::uint32_t> bind_sequence_;         // ESME: our bind; MC: the peer's unanswered bind
  bind_mode bind_mode_{};
  std::optional<std::uint32_t> unbind_sequence_;       // ours
  std::optional<std::uint32_t> peer_unbind_sequence_;  // waiting until its requests are answered
  session_counters counters_;
};

}  // namespace msgkit::smpp
