// The clocks of drivers and connectors. Real time, unless a simulation has put its own time in force on its thread:
// then timers and time stamps of everything on that thread follow the simulation.
#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <chrono>

#include "msgkit/core/time.hpp"

namespace msgkit {

// While it lives, the thread that made it sees these times, and moves them. One at a time per thread.
class virtual_time {
 public:
  virtual_time(time_point steady, wall_time wall) noexcept;
  ~virtual_time();
  virtual_time(const virtual_time&) = delete;
  virtual_time& operator=(const virtual_time&) = delete;

  // Moves both clocks on. Timers that are due run at the next poll of their io_context.
  void advance(duration by) noexcept;
  // Steps the wall clock alone, as an operator or NTP does.
  void step_wall(std::chrono::milliseconds by) noexcept { wall_ += by; }
  [[nodiscard]] time_point steady() const noexcept { return steady_; }
  [[nodiscard]] wall_time wall() const noexcept;

 private:
  time_point steady_;
  time_point start_;
  wall_time wall_;  // at start_, steps included
};

struct driver_clock {
  using duration = msgkit::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = msgkit::time_point;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
  static wall_time wall_now() noexcept;
};

// Under virtual time the reactor must look at once, because real time says nothing about when a timer is due.
struct driver_wait_traits {
  static duration to_wait_duration(const duration& d) noexcept;
  static duration to_wait_duration(const time_point& t) noexcept { return to_wait_duration(t - driver_clock::now()); }
};

using driver_timer = asio::basic_waitable_timer<driver_clock, driver_wait_traits>;

}  // namespace msgkit
