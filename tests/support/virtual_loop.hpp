// Runs real connector code in virtual time: one io_context polled by hand, an agenda of things that happen later, and a
// clock that jumps to the next moment at which anything does. Nothing waits, and what happens depends on nothing but
// what was asked for. One loop at a time per thread.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "msgkit/core/net/clock.hpp"

namespace msgkit::test {

class virtual_loop {
 public:
  static constexpr wall_time wall_start{std::chrono::milliseconds{1'790'000'000'000}};  // 2026-09-21

  virtual_loop();
  ~virtual_loop();
  virtual_loop(const virtual_loop&) = delete;
  virtual_loop& operator=(const virtual_loop&) = delete;

  [[nodiscard]] asio::any_io_executor executor() { return io_.get_executor(); }
  [[nodiscard]] virtual_time& clock() noexcept { return clock_; }
  [[nodiscard]] time_point now() const noexcept { return clock_.steady(); }
  [[nodiscard]] duration elapsed() const noexcept { return clock_.steady() - time_point{start}; }

  // What is due at the same moment happens in the order it was asked for.
  void at(time_point t, std::function<void()> what);
  void after(duration d, std::function<void()> what) { at(now() + d, std::move(what)); }

  // Runs what is ready at this moment.
  void settle();
  // Up to and including `t`, where the clock then stands.
  void run_until(time_point t);
  void run_for(duration d) { run_until(now() + d); }
  // Until `done` or the limit; returns whether it was `done`.
  bool run_until(const std::function<bool()>& done, duration limit);
  // Forgets the agenda.
  void clear() { agenda_.clear(); }

 private:
  static constexpr duration start = std::chrono::hours{1};
  struct entry {
    time_point at;
    std::uint64_t order;
    std::function<void()> what;
  };
  static bool later(const entry& a, const entry& b) noexcept { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  bool run_next();
  void advance_to(time_point t);

  virtual_time clock_{time_point{start}, wall_start};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<entry> agenda_;  // a heap
  std::uint64_t order_ = 0;
};

}  // namespace msgkit::test
