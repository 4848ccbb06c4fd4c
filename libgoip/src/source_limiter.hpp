// How often each source address has failed to authenticate within the current minute. Fixed memory: a table that
// addresses share by a salted hash, the later one taking the place of the earlier, so that no flood of forged addresses
// can lock others out.
#pragma once

#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/goip/endpoint.hpp"

namespace msgkit::goip {

class source_limiter {
 public:
  source_limiter(std::size_t failures_max, std::size_t sources_max, std::uint64_t salt) noexcept
      : failures_max_(failures_max), sources_max_(sources_max == 0 ? 1 : sources_max), salt_(salt) {}

  [[nodiscard]] bool is_exhausted(const endpoint& from, time_point now) const noexcept {
    if (table_.empty()) return false;
    const auto key = key_of(from);
    const auto& slot = table_[key % sources_max_];
    return slot.key == key && now - slot.since < window && slot.failures >= failures_max_;
  }
  // Returns whether this failure is still within the rate.
  bool count_failure(const endpoint& from, time_point now) {
    if (table_.empty()) table_.resize(sources_max_);
    const auto key = key_of(from);
    auto& slot = table_[key % sources_max_];
    if (slot.key != key || now - slot.since >= window) slot = {.key = key, .since = now};
    ++slot.failures;
    return slot.failures <= failures_max_;
  }

 private:
  static constexpr std::chrono::seconds window{60};
  struct bucket {
    std::uint64_t key = 0;
    time_point since{};
    std::size_t failures = 0;
  };
  // An IPv6 host may use any address of its /64.
  [[nodiscard]] std::uint64_t key_of(const endpoint& e) const noexcept {
    const auto high = load_big<std::uint64_t>(e.address.data());
    const auto low = load_big<std::uint64_t>(e.address.data() + 8);
    const bool is_ipv4 = high == 0 && low >> 32 == 0xFFFF;
    return mix(salt_ ^ mix(is_ipv4 ? low : high)) | 1;  // 0 marks a free place
  }

  std::size_t failures_max_;
  std::size_t sources_max_;
  std::uint64_t salt_;
  std::vector<bucket> table_;
};

}  // namespace msgkit::goip
