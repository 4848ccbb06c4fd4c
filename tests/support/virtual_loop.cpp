#include "virtual_loop.hpp"

#include <algorithm>
#include <cerrno>

// Asio learns from a timer descriptor of the kernel when to look at its timers, and the kernel keeps real time. Without
// one it looks at every poll, which is what virtual time needs to be exact. In programs linked with this file only.
extern "C" int timerfd_create(int /*clock*/, int /*flags*/) {
  errno = ENOSYS;
  return -1;
}

namespace msgkit::test {

virtual_loop::virtual_loop() = default;
virtual_loop::~virtual_loop() = default;

void virtual_loop::at(time_point t, std::function<void()> what) {
  agenda_.push_back({std::max(t, now()), ++order_, std::move(what)});
  std::ranges::push_heap(agenda_, later);
}

void virtual_loop::advance_to(time_point t) {
  if (t > now()) clock_.advance(t - now());
}

bool virtual_loop::run_next() {
  if (agenda_.empty() || agenda_.front().at > now()) return false;
  std::ranges::pop_heap(agenda_, later);
  const auto what = std::move(agenda_.back().what);
  agenda_.pop_back();
  what();
  return true;
}

void virtual_loop::settle() {
  do io_.poll();
  while (run_next());
}

void virtual_loop::run_until(time_point t) {
  for (settle();; settle()) {
    const auto next = std::min(agenda_.empty() ? never : agenda_.front().at, clock_.next_timer());
    if (next > t) break;
    advance_to(next);
  }
  advance_to(t);
  settle();
}

bool virtual_loop::run_until(const std::function<bool()>& done, duration limit) {
  const auto end = now() + limit;
  for (settle(); !done(); settle()) {
    const auto next = std::min(agenda_.empty() ? never : agenda_.front().at, clock_.next_timer());
    if (next > end) {
      advance_to(end);
      settle();
      return done();
    }
    advance_to(next);
  }
  return true;
}

}  // namespace msgkit::test
