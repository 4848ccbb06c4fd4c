#include "msgkit/core/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace msgkit {

std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
  value = (value ^ value >> 27) * 0x94D049BB133111EBu;
  return value ^ value >> 31;
}

std::chrono::milliseconds backoff_delay(const backoff_options& options, std::uint32_t attempt, std::uint64_t seed) {
  const auto maximum = static_cast<double>(options.maximum.count());
  const double grown = static_cast<double>(options.initial.count()) * std::pow(options.factor, std::min(attempt, 64u));
  const double base = std::min(grown, maximum);
  const double unit = static_cast<double>(mix(seed ^ mix(attempt)) >> 11) / static_cast<double>(1ull << 53);  // [0, 1)
  const double spread = base * (1.0 + options.jitter * (2.0 * unit - 1.0));
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::clamp(spread, 0.0, maximum))};
}

}  // namespace msgkit
