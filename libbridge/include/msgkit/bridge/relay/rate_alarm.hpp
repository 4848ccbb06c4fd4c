// Notices that messages suddenly come much faster than they did: what a loop looks like that runs through others. Not
// thread-safe: owned by one relay.
#pragma once

#include <array>
#include <cstdint>

#include "msgkit/core/time.hpp"

namespace msgkit::bridge {

struct rate_alarm_options {
  std::uint32_t factor = 10;     // times the mean of the last minute; 0: never
  std::uint32_t rate_min = 100;  // messages a second, below which nothing is alarming
};

class rate_alarm {
 public:
  explicit rate_alarm(rate_alarm_options options = {}) : options_(options) {}

  void count(time_point now);
  // The rate is that high for 5 s now. It takes a minute to know what is usual, and a minute to get used to a new rate.
  [[nodiscard]] bool is_raised(time_point now) const noexcept;

 private:
  static constexpr std::size_t minute = 60;
  void close_second();

  rate_alarm_options options_;
  std::array<std::uint32_t, minute> seconds_{};
  std::size_t at_ = 0;
  std::uint64_t sum_ = 0;
  std::uint32_t seen_ = 0;  // seconds in the mean, up to a minute
  std::uint32_t high_ = 0;  // seconds in a row that were too high; they are not in the mean
  std::uint32_t current_ = 0;
  time_point second_{};  // that current_ is about
};

}  // namespace msgkit::bridge
