// The send window as the peer's congestion_state (5.0 section 4.8.4.18) wants it.
//
//   0..79   room to spare: the window grows by one request with each such answer, up to its size
//   80..89  optimum load: it stays
//   90..99  nearing congestion: it is halved, once for all that was on its way when the peer said so
//   100     congested: one request at a time
//
// It is never less than one request: the report comes with answers, and who asks nothing learns nothing. Answers
// without the TLV change nothing. A report that is older than `memory` is forgotten, and the window is whole again.
// Values above 100 are reserved and ignored.
// Not thread-safe: owned by one session. Time is passed in by the caller.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "msgkit/core/time.hpp"

namespace msgkit::smpp {

class congestion_window {
 public:
  // `size`: requests, at least 1. `memory` zero: reports are not heeded.
  congestion_window(std::size_t size, std::chrono::milliseconds memory) noexcept
      : size_(size), limit_(size), memory_(memory) {}

  // How many requests may be unanswered, 1..size.
  [[nodiscard]] std::size_t limit(time_point now) const noexcept { return now < forget_at_ ? limit_ : size_; }
  // The peer's last report, until it is forgotten.
  [[nodiscard]] std::optional<std::uint8_t> state(time_point now) const noexcept {
    return now < forget_at_ ? std::optional(state_) : std::nullopt;
  }

  // An answer arrived and `in_flight` requests are left; `report` is what its TLV says.
  void on_answer(std::optional<std::uint32_t> report, std::size_t in_flight, time_point now) noexcept {
    if (uncounted_ > 0) --uncounted_;
    if (!report || *report > congested || memory_.count() == 0) return;
    limit_ = limit(now);
    state_ = static_cast<std::uint8_t>(*report);
    forget_at_ = now + memory_;
    if (*report == congested) {
      limit_ = 1;
      uncounted_ = in_flight;
    } else if (*report >= nearing_congestion) {
      if (uncounted_ > 0) return;
      limit_ = std::max<std::size_t>(limit_ / 2, 1);
      uncounted_ = in_flight;
    } else if (*report < optimum_load) {
      limit_ = std::min(limit_ + 1, size_);
    }
  }

 private:
  static constexpr std::uint32_t optimum_load = 80;
  static constexpr std::uint32_t nearing_congestion = 90;
  static constexpr std::uint32_t congested = 100;

  std::size_t size_;
  std::size_t limit_;
  std::chrono::milliseconds memory_;
  time_point forget_at_ = time_point::min();
  std::size_t uncounted_ = 0;  // answers still to come to requests sent before the last cut
  std::uint8_t state_ = 0;
};

}  // namespace msgkit::smpp
