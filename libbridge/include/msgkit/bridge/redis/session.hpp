// A Redis client session as a state machine without socket, thread or clock: greeting, pipelining, pub/sub.
//
// Used like mqtt::session. Every accepted command() has exactly one outcome, a reply event, in order; when the connection
// ends first the outcome is unknown and the event carries the reason. Speaks RESP3 and falls back to RESP2 where HELLO is
// unknown. Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "msgkit/bridge/redis/command.hpp"
#include "msgkit/bridge/redis/reply.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::bridge::redis {

struct session_options {
  std::string user_name{};  // of the ACL; empty with a password: the default user
  std::string password{};
  std::string client_name{};
  std::uint32_t database = 0;
  bool resp3 = true;
  bool master_only = false;                           // asks ROLE: what Sentinel names may be a replica by now
  std::size_t pipeline_max = 10'000;                  // commands without a reply
  std::chrono::milliseconds connect_timeout{10'000};  // of the greeting
  std::chrono::milliseconds reply_timeout{5'000};     // of a command, counted from when it is first in line
  std::chrono::milliseconds ping_interval{10'000};    // of silence before a PING; 0: none
  decoder_limits limits{};
};

enum class event_kind : std::uint8_t {
  ready,         // greeting, authentication and SELECT are done
  reply,         // outcome: `cookie`, `reply` or `error`
  message,       // pub/sub: `channel`, `pattern` (empty without one), `payload`
  unsubscribed,  // by the server: the slot of sharded `channel` went to another node
  closed,        // `error`; `reply` holds the server's words when it refused us
};

// `reply` and the views are valid until the next next_event() or feed().
struct event {
  event_kind kind{};
  std::uint64_t cookie = 0;
  value reply{};
  std::error_code error{};
  std::string_view channel{};
  std::string_view pattern{};
  std::string_view payload{};
};

class session {
 public:
  explicit session(session_options options);

  void connected(time_point now);
  void feed(bytes_view octets, time_point now);
  void disconnected(std::error_code reason);
  std::optional<event> next_event();
  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept { output_.clear(); }
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // `blocks_for`: what a blocking command may take beyond reply_timeout. Errors: not_connected, window_full.
  result<void> command(std::span<const std::string_view> arguments, std::uint64_t cookie, time_point now,
                       std::chrono::milliseconds blocks_for = {});
  // `verb` is SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE or its UN form; its one outcome comes when all names are confirmed.
  // Errors: as command(); value_out_of_range without a name.
  result<void> subscribe(std::string_view verb, std::span<const std::string_view> names, std::uint64_t cookie,
                         time_point now);
  void close(std::error_code reason) { finish(reason); }

  [[nodiscard]] bool is_ready() const noexcept { return state_ == state::ready; }
  [[nodiscard]] bool is_closed() const noexcept { return state_ == state::closed; }
  [[nodiscard]] std::size_t open_commands() const noexcept { return waiting_.size(); }
  [[nodiscard]] std::size_t pipeline_room() const noexcept {
    return is_ready() && waiting_.size() < options_.pipeline_max ? options_.pipeline_max - waiting_.size() : 0;
  }

 private:
  enum class state : std::uint8_t { closed, greeting, ready };
  enum class purpose : std::uint8_t { command, subscribe, hello, auth, set_name, select, role, ping };
  struct pending {
    redis::session::purpose purpose{};
    std::uint64_t cookie = 0;
    std::size_t confirmations = 1;
    bool leaves = false;  // an UN form of SUBSCRIBE
    std::chrono::milliseconds limit{};
  };

  void send(std::span<const std::string_view> arguments, pending p);
  void greet_resp2();
  std::optional<event> handle(value v);
  std::optional<event> handle_push(value v);
  std::optional<event> handle_greeting(const pending& p, value v);
  std::optional<event> refuse(errc why, value words);
  void pop_waiting();
  void finish(std::error_code reason, value words = {});

  session_options options_;
  state state_ = state::closed;
  bool resp3_ = false;
  bool subscribed_ = false;  // RESP2: arrays that look like messages are messages
  byte_vector output_;
  decoder decoder_;
  std::deque<pending> waiting_;
  std::deque<event> queued_;
  time_point now_{};
  time_point reply_deadline_ = never;
  time_point ping_due_ = never;
};

}  // namespace msgkit::bridge::redis
