// An MQTT client session, 3.1.1 or 5, as a state machine without socket, thread or clock. It outlives connections:
//
//   session s(options);
//   s.connected(now);                                  // a transport is up: CONNECT is in the output
//   s.feed(octets, now);
//   while (auto e = s.next_event()) handle(*e);        // may call publish(), acknowledge(), ...
//   transmit(s.output()); s.clear_output();
//   wake_at(s.next_deadline());                        // then s.on_time(now)
//   s.disconnected(reason);                            // later connected() again: open publishes are sent once more
//
// A QoS 1 or 2 message is acknowledged only when the caller says so, in the order received (MQTT 5 section 4.6), so that
// what the caller has not stored yet comes again after a crash. Every accepted publish() has exactly one outcome.
// Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "msgkit/bridge/mqtt/codec.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::bridge::mqtt {

struct session_will {
  std::string topic{};
  std::string payload{};
  mqtt::qos qos = qos::at_least_once;
  bool retain = false;
  std::uint32_t delay_seconds = 0;  // version 5
};

struct session_options {
  mqtt::version version = mqtt::version::v5;
  std::string client_id{};                // empty: the broker assigns one (version 5)
  std::string user_name{};
  std::string password{};
  bool clean_start = false;
  std::uint32_t session_expiry_seconds = 86'400;  // version 5; 0 ends the session with the connection
  std::chrono::seconds keep_alive{30};            // 0: none. No answer to a ping for half as long ends the connection
  // Messages the broker may leave open towards us, 1..65535. Version 3.1.1 cannot say it and some brokers overstep it:
  // pause reading by unacknowledged().
  std::uint16_t receive_maximum = 1'000;
  std::size_t packet_bytes_max = 1024 * 1024;     // inbound
  std::uint16_t send_window = 1'000;              // our unacknowledged publishes; the broker's maximum counts too
  std::uint16_t topic_alias_in_max = 16;          // version 5: what the broker may use
  std::uint16_t topic_alias_out_max = 16;         // what we use, within the broker's maximum
  std::chrono::milliseconds connect_timeout{10'000};
  std::optional<session_will> will{};
  std::string authentication_method{};            // version 5: challenges arrive as events
  std::string authentication_data{};
};

// Names one received message. Worth something on the connection it came over only.
struct ack_token {
  std::uint64_t connection = 0;
  std::uint64_t serial = 0;  // 0: QoS 0, nothing to acknowledge
};

enum class event_kind : std::uint8_t {
  connected,      // CONNACK; `session_present`, `properties`
  refused,        // `reason` of the CONNACK; `closed` follows
  message,        // `message`, `token`
  published,      // outcome of a publish: `cookie`, `reason` (a failure from 0x80), or `error` when it has none
  subscribed,     // `cookie`, `reasons` one octet per filter; or `error`
  unsubscribed,   // likewise
  authenticate,   // AUTH: `reason`, `properties`; answer with authenticate()
  closed,         // the connection is over: `error`; the session remains
};

// Views are valid until the next next_event() or feed().
struct event {
  event_kind kind{};
  std::uint64_t cookie = 0;
  reason_code reason = reason_code::success;
  std::error_code error{};
  bool session_present = false;
  publish message{};
  ack_token token{};
  bytes_view reasons{};
  mqtt::properties properties{};
};

class session {
 public:
  explicit session(session_options options);

  void connected(time_point now);
  void feed(bytes_view octets, time_point now);
  void disconnected(std::error_code reason);
  std::optional<event> next_event();
  // For a caller that takes no more events now: keeps what was fed, and goes on with it later.
  void keep_input();
  void resume_input() noexcept;
  // While the caller does not feed what arrives, silence says nothing about the broker.
  void excuse_silence() noexcept { ping_deadline_ = never; }

  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept { output_.clear(); }
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // `dup`, `packet_id` of `m` are ours to set. QoS 0 has its outcome at once.
  // Errors: not_connected, window_full, packet_too_large, unsupported_by_peer (QoS or retain); encoding errors.
  result<void> publish(const mqtt::publish& m, std::uint64_t cookie, time_point now);
  // Errors: not_connected, window_full (64 open requests), unsupported_by_peer, protocol_violation (No Local on a shared
  // subscription); encoding errors.
  result<void> subscribe(const std::vector<subscription>& filters, std::uint64_t cookie, time_point now,
                         const mqtt::properties& p = {});
  result<void> unsubscribe(const std::vector<std::string_view>& filters, std::uint64_t cookie, time_point now);
  // Releases the acknowledgement; it leaves when all earlier ones are released. A failure `reason` is told to a version 5
  // broker, which then forgets the message too. Errors: stale_token.
  result<void> acknowledge(const ack_token& token, reason_code reason = reason_code::success);
  // AUTH with our data (version 5 section 4.12). Errors: not_connected.
  result<void> authenticate(reason_code reason, std::string_view data);
  // Says goodbye; the driver closes when the output is written.
  void disconnect(reason_code reason = reason_code::success);

  [[nodiscard]] bool is_online() const noexcept { return state_ == state::online; }
  [[nodiscard]] bool is_closed() const noexcept { return state_ == state::closed; }
  [[nodiscard]] std::size_t window_room() const noexcept;
  [[nodiscard]] std::size_t open_publishes() const noexcept { return open_publishes_; }
  [[nodiscard]] std::size_t unacknowledged() const noexcept { return received_.size(); }
  [[nodiscard]] const std::string& client_id() const noexcept { return options_.client_id; }
  [[nodiscard]] const session_options& options() const noexcept { return options_; }

 private:
  enum class state : std::uint8_t { closed, connecting, online };
  enum class slot_use : std::uint8_t { free, publish, publish_received, subscribe, unsubscribe };
  // One packet identifier: its index plus one.
  struct slot {
    slot_use use = slot_use::free;
    std::uint8_t qos = 0;
    std::uint64_t cookie = 0;
    std::uint64_t order = 0;
    byte_vector octets{};  // of the PUBLISH, without alias, for sending again
  };
  struct received {
    std::uint64_t serial = 0;
    std::uint16_t packet_id = 0;
    bool exactly_once = false;
    bool released = false;
    reason_code reason = reason_code::success;
  };
  struct stale_exactly_once {
    ack_token token{};
    std::uint16_t packet_id = 0;
  };

  std::optional<event> next_frame();
  std::optional<event> handle(const frame& f);
  std::optional<event> on_connack(const connack& m);
  std::optional<event> on_publish(mqtt::publish& m);
  std::optional<event> on_ack(std::uint16_t id, reason_code reason, slot_use expected);
  void on_pubrec(std::uint16_t id, reason_code reason);
  void on_pubrel(std::uint16_t id);
  std::optional<event> on_suback(std::uint16_t id, bytes_view reasons, const mqtt::properties& p, slot_use expected);
  void resend(bool session_present);
  void flush_acknowledgements();
  void finish(std::error_code reason, reason_code said);
  void queue(event e) { queued_.push_back(std::move(e)); }
  std::optional<std::uint16_t> take_slot(slot_use use, std::uint64_t cookie);
  void free_slot(std::uint16_t id);
  slot* find(std::uint16_t id, slot_use use) noexcept;
  bool resolve_alias(mqtt::publish& m);
  result<void> put_publish(mqtt::publish m, std::uint16_t alias, bool with_topic, byte_vector& out);
  result<void> put_with_alias(const mqtt::publish& m);
  template <class Packet>
  result<void> put(const Packet& p);

  session_options options_;
  state state_ = state::closed;
  byte_vector output_;
  byte_vector pending_;
  bytes_view input_{};
  bool input_is_pending_ = false;
  std::deque<event> queued_;

  std::vector<slot> slots_;
  std::vector<std::uint16_t> free_slots_;
  std::size_t open_publishes_ = 0;
  std::size_t open_requests_ = 0;
  std::uint64_t order_ = 0;

  std::uint64_t connection_ = 0;
  std::uint64_t next_serial_ = 0;
  std::deque<received> received_;
  std::unordered_set<std::uint16_t> exactly_once_;  // PUBREC sent or due, PUBREL not seen
  std::vector<stale_exactly_once> stale_;           // came over the last connection, not released then

  // What the broker said.
  std::uint16_t peer_receive_maximum_ = 65'535;
  std::size_t peer_packet_bytes_max_ = remaining_length_max;
  std::uint8_t peer_qos_max_ = 2;
  bool peer_retain_ = true;
  bool peer_shared_ = true;
  bool peer_wildcard_ = true;
  std::chrono::seconds keep_alive_{0};
  std::vector<std::string> aliases_in_;
  std::vector<std::string> aliases_out_;  // index plus one is the alias
  std::size_t alias_out_next_ = 0;

  time_point now_{};
  time_point connect_deadline_ = never;
  time_point ping_due_ = never;
  time_point ping_deadline_ = never;
  byte_vector scratch_;
  property_builder properties_;
};

}  // namespace msgkit::bridge::mqtt
