// Exponential back-off with jitter, for reconnects and retries.
#pragma once

#include <chrono>
#include <cstdint>

namespace msgkit {

struct backoff_options {
  std::chrono::milliseconds initial{1'000};
  std::chrono::milliseconds maximum{60'000};
  double factor = 2.0;  // growth per attempt, >= 1
  double jitter = 0.2;  // 0..1: the delay is spread over [1 - jitter, 1 + jitter]
};

// The delay before attempt `attempt` (0 is the first retry). Pure: the same arguments give the same delay, so
// simulations replay; pass anything that differs between peers as `seed`.
std::chrono::milliseconds backoff_delay(const backoff_options& options, std::uint32_t attempt, std::uint64_t seed);

// splitmix64: a small well-mixing hash, also used wherever reproducible pseudo-randomness is wanted.
std::uint64_t mix(std::uint64_t value) noexcept;

}  // namespace msgkit
