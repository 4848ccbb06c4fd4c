// The clocks of drivers and connectors. Real time, unless a simulation has put its own time in force on its thread:
// then timers and time stamps of everything on that thread follow the simulation.
#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <chrono>
#include <functional>
#include <queue>
#include <vector>

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
  // The earliest moment after steady() that a driver_timer of this thread was set for, also when it was cancelled since;
  // `never` without one.
  [[nodiscard]] time_point next_timer();
  // A timer was set. Nothing happens without a virtual time in force.
  static void note_timer(time_point t);

 private:
  time_point steady_;
  time_point start_;
  wall_time wall_;  // at start_, steps included
  std::priority_queue<time_point, std::vector<time_point>, std::greater<>> timers_;
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

// As its base; a simulation learns when it has to look again.
class driver_timer : public asio::basic_waitable_timer<driver_clock, driver_wait_traits> {
 public:
  using basic_waitable_timer::basic_waitable_timer;

  std::size_t expires_at(const time_point& t) {
    virtual_time::note_timer(t);
    return basic_waitable_timer::expires_at(t);
  }
  std::size_t expires_after(const duration& d) { return expires_at(driver_clock::now() + d); }
};

}  // namespace msgkit
