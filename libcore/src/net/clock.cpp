#include "msgkit/core/net/clock.hpp"

#include <algorithm>
#include <cassert>

namespace msgkit {
namespace {

thread_local virtual_time* in_force = nullptr;

}  // namespace

virtual_time::virtual_time(time_point steady, wall_time wall) noexcept : steady_(steady), start_(steady), wall_(wall) {
  assert(in_force == nullptr);
  in_force = this;
}

virtual_time::~virtual_time() { in_force = nullptr; }

void virtual_time::advance(duration by) noexcept { steady_ += by; }

wall_time virtual_time::wall() const noexcept {
  return wall_ + std::chrono::duration_cast<std::chrono::milliseconds>(steady_ - start_);
}

time_point virtual_time::next_timer() {
  while (!timers_.empty() && timers_.top() <= steady_) timers_.pop();
  return timers_.empty() ? never : timers_.top();
}

void virtual_time::note_timer(time_point t) {
  if (in_force != nullptr) in_force->timers_.push(t);
}

time_point driver_clock::now() noexcept {
  return in_force == nullptr ? std::chrono::steady_clock::now() : in_force->steady();
}

wall_time driver_clock::wall_now() noexcept {
  if (in_force != nullptr) return in_force->wall();
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

duration driver_wait_traits::to_wait_duration(const duration& d) noexcept {
  return in_force == nullptr ? d : std::min(d, duration{1});
}

}  // namespace msgkit
