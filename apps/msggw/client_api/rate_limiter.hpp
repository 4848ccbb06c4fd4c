// Token buckets by key, for what comes over HTTP.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

// Thread-safe. Holds one bucket for each key that was ever limited: keys are objects of the directory.
class rate_limiter {
 public:
  // Takes `amount` from the bucket of `key`, which fills with `per_second` up to `burst`. Returns 0 when it was there,
  // else the seconds until it will be, at least 1; nothing is taken then. An amount above the burst is taken from a
  // full bucket, which then owes the rest.
  std::uint32_t take(std::uint64_t key, double per_second, double burst, double amount, time_point now) {
    const std::lock_guard lock(mutex_);
    auto& b = buckets_.try_emplace(key, bucket{burst, now}).first->second;
    const auto passed = std::chrono::duration<double>(now - b.at).count();
    b.tokens = std::min(burst, b.tokens + passed * per_second);
    b.at = now;
    const auto needed = std::min(amount, burst);
    if (b.tokens >= needed) {
      b.tokens -= amount;
      return 0;
    }
    constexpr double wait_max = 3'600;
    return static_cast<std::uint32_t>(std::clamp((needed - b.tokens) / per_second + 0.999, 1.0, wait_max));
  }

 private:
  struct bucket {
    double tokens;
    time_point at;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, bucket> buckets_;
};

}  // namespace msgkit::app
