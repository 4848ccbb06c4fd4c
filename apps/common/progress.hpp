// Progress of a command line tool on standard error: one line that redraws itself on a terminal, a plain line every
// 5 s elsewhere, nothing when quiet. Time is passed in; not thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

enum class progress_mode { quiet, plain, terminal };

// `terminal` when `to` is a terminal and $TERM is not "dumb", otherwise `plain`; `quiet` when asked to be.
progress_mode progress_mode_for(std::FILE* to, bool quiet);

class progress {
 public:
  // `total` of 0: unknown, then percent and the remaining time are left out.
  progress(std::FILE* to, progress_mode mode, std::string unit, std::uint64_t total, time_point now);

  // Draws when it is time to: 10 times a second on a terminal. `extra` is shown at the end, e.g. "p99 1.2 ms".
  void update(std::uint64_t done, std::string_view extra, time_point now);
  // Draws the last state and ends the line.
  void finish(std::uint64_t done, std::string_view extra, time_point now);

  // "[=====>     ]  42%  4 200/10 000 msg  1 050/s  6s left  p99 1.2 ms"
  [[nodiscard]] std::string line(std::uint64_t done, std::string_view extra, time_point now) const;

 private:
  void draw(std::uint64_t done, std::string_view extra, time_point now, bool last);

  std::FILE* to_;
  progress_mode mode_;
  std::string unit_;
  std::uint64_t total_;
  time_point began_;
  std::optional<time_point> drawn_;
  // Rate over the last seconds rather than since the start: a tool that stalls shall show it.
  time_point rate_since_;
  std::uint64_t rate_done_ = 0;
  std::optional<double> rate_;
};

// 1234567 -> "1 234 567"
std::string grouped(std::uint64_t value);
// "850 ns", "12.3 us", "4.56 ms", "1.2 s"
std::string format_latency(std::chrono::nanoseconds value);

}  // namespace msgkit::app
