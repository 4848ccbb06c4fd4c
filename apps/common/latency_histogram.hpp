// Latencies in logarithmic buckets: 64 per doubling, so a quantile is within 1.6 % of the truth. Recording allocates
// nothing and takes a few nanoseconds. Not thread-safe: one per thread, merged at the end.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace msgkit::app {

class latency_histogram {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // Negative durations count as zero, those above about 4.8 hours as that much; max() is exact.
  void record(nanoseconds value) noexcept;
  void merge(const latency_histogram& other) noexcept;
  void clear() noexcept { *this = {}; }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] nanoseconds max() const noexcept { return nanoseconds{static_cast<std::int64_t>(max_)}; }
  [[nodiscard]] nanoseconds mean() const noexcept;
  // The value that a share `q` (0..1) of the records do not exceed; zero without records.
  [[nodiscard]] nanoseconds quantile(double q) const noexcept;

 private:
  static constexpr unsigned sub_bits = 6;
  static constexpr unsigned exponent_max = 44;
  static constexpr std::size_t bucket_count = (exponent_max - sub_bits + 1) << sub_bits;
  static std::size_t bucket_of(std::uint64_t ns) noexcept;
  static std::uint64_t upper_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace msgkit::app
