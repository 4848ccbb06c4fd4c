// The one generator of a simulation: everything that is decided by chance is drawn here, in an order that the seed
// fixes. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::test {

class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_(mix(seed)) {}

  std::uint64_t next() noexcept { return mix(state_ += 0x9E3779B97F4A7C15u); }
  // 0..limit-1; 0 for a limit of 0.
  std::uint64_t below(std::uint64_t limit) noexcept { return limit == 0 ? 0 : next() % limit; }
  // Both ends included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }
  duration between(duration low, duration high) noexcept {
    return low + duration{below(static_cast<std::uint64_t>((high - low).count()) + 1)};
  }
  bool chance(double share) noexcept { return static_cast<double>(next() >> 11) < share * 9007199254740992.0; }
  template <class T>
  const T& pick(std::span<const T> from) noexcept {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace msgkit::test
