// Spreads events evenly: at most `per_second`, with a burst of a tenth of a second. Time is passed in.
#pragma once

#include <algorithm>
#include <chrono>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

class pacer {
 public:
  // 0: no limit.
  explicit pacer(double per_second) noexcept
      : interval_(per_second > 0 ? std::chrono::duration_cast<duration>(std::chrono::duration<double>(1 / per_second))
                                 : duration::zero()) {}

  // When the next event may happen; not after `now` when it may happen at once.
  [[nodiscard]] time_point ready_at() const noexcept { return next_ - burst; }
  [[nodiscard]] bool is_ready(time_point now) const noexcept { return interval_ == duration::zero() || ready_at() <= now; }
  void take(time_point now) noexcept { next_ = std::max(next_, now) + interval_; }

 private:
  static constexpr std::chrono::milliseconds burst{100};
  duration interval_;
  time_point next_{};
};

}  // namespace msgkit::app
