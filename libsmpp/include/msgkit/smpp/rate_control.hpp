// How fast requests may leave: a token bucket in PDUs, so in segments, whose rate follows what the peer says.
//
// ESME_RTHROTTLED and ESME_RMSGQFUL halve the rate and pause the sender; while answers are good the rate grows by the same
// amount every second until it is back at its ceiling (additive increase, multiplicative decrease). Without a ceiling the
// rate is unlimited until the first complaint, then begins at half of what was really sent, and is lifted again once it
// has reached twice what was refused.
// No clock of its own: time is passed in and must not go backwards. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

#include "msgkit/core/time.hpp"
#include "msgkit/smpp/status.hpp"

namespace msgkit::smpp {

struct rate_options {
  double per_second = 0;        // ceiling in PDUs a second, over 0; 0: none
  std::chrono::milliseconds burst{100};  // unused time that may be made up for; one PDU at least
  bool follows_peer = true;     // false: a plain token bucket, complaints change nothing
  double per_second_min = 1;    // complaints never bring it below
  double decrease = 0.5;        // factor per complaint, over 0 and below 1
  double increase = 0;          // PDUs a second gained per second; 0: a twentieth of the ceiling or of what was refused
  std::chrono::milliseconds pause{1'000};       // after a complaint nothing leaves; doubles while complaints go on,
  std::chrono::milliseconds pause_max{30'000};  // up to this

  friend bool operator==(const rate_options&, const rate_options&) = default;
};

// Whether the status asks us to slow down.
constexpr bool is_throttling(command_status s) noexcept {
  return s == command_status::throttled || s == command_status::message_queue_full;
}

class rate_control {
 public:
  explicit rate_control(const rate_options& options = {});

  // When the next PDU may leave: not after `now` when it may leave at once.
  [[nodiscard]] time_point ready_at(time_point now) const noexcept;
  [[nodiscard]] bool is_ready(time_point now) const noexcept { return ready_at(now) <= now; }
  // A PDU leaves. Precondition: is_ready(now). While is_unlimited(), several may be told of at once.
  void take(time_point now, std::uint64_t count = 1) noexcept;
  // Nothing waits, and good answers change nothing: the caller may save himself the clock.
  [[nodiscard]] bool is_unlimited() const noexcept { return rate_ <= 0; }

  // What the peer said to a request. Complaints that arrive while a pause lasts belong to what was sent before it, and
  // count as one.
  void on_accepted(time_point now) noexcept;
  void on_throttled(time_point now) noexcept;

  // PDUs a second; 0: no limit.
  [[nodiscard]] double per_second() const noexcept { return rate_; }
  [[nodiscard]] bool is_paused(time_point now) const noexcept { return now < paused_until_; }
  // Complaints that changed the rate.
  [[nodiscard]] std::uint64_t decreases() const noexcept { return decreases_; }

 private:
  void set_rate(double per_second) noexcept;
  [[nodiscard]] double sent_per_second(time_point now) const noexcept;

  rate_options options_;
  double rate_ = 0;
  duration interval_{};         // between two PDUs at `rate_`
  time_point next_{};           // when the next one is due on an even schedule
  time_point paused_until_{};
  duration pause_;              // of the next complaint
  double step_ = 0;             // gained per second
  double lifted_at_ = 0;        // without a ceiling: the rate at which the limit ends
  time_point grown_at_{};       // up to when growth has been applied
  std::uint64_t decreases_ = 0;
  // What was sent in this second and the last, to know the rate that was refused.
  time_point second_{};
  std::uint64_t in_second_ = 0, in_last_second_ = 0;
};

}  // namespace msgkit::smpp
