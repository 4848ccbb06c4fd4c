// Counts what the calling thread takes from the heap. Link msgkit_bench_allocations, which replaces global operator new;
// without it the program does not link, so a count of zero always means zero.
#pragma once

#include <cstddef>

namespace msgkit::bench {

// Allocations of the calling thread since it started. Never decreases.
std::size_t allocation_count() noexcept;

// What the calling thread holds, and the most it has held since reset_peak(). Memory must be freed by its thread.
std::size_t live_bytes() noexcept;
std::size_t peak_bytes() noexcept;
void reset_peak() noexcept;

// Calls `f` once to let it warm up its buffers, then returns how many allocations `calls` further calls made.
template <class F>
std::size_t allocations_in(std::size_t calls, F&& f) {
  f();
  const std::size_t before = allocation_count();
  for (std::size_t i = 0; i < calls; ++i) f();
  return allocation_count() - before;
}

}  // namespace msgkit::bench
