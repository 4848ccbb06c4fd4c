#include "common/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace msgkit::app {

// Below 2^sub_bits each nanosecond has its bucket; above, the leading sub_bits + 1 bits choose it.
std::size_t latency_histogram::bucket_of(std::uint64_t ns) noexcept {
  ns = std::min(ns, (std::uint64_t{1} << exponent_max) - 1);
  const auto width = static_cast<unsigned>(std::bit_width(ns));
  if (width <= sub_bits) return static_cast<std::size_t>(ns);
  const unsigned shift = width - sub_bits - 1;
  return (std::size_t{shift} << sub_bits) + static_cast<std::size_t>(ns >> shift);
}

std::uint64_t latency_histogram::upper_of(std::size_t bucket) noexcept {
  if (bucket < (std::size_t{2} << sub_bits)) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const auto leading = (bucket & ((std::size_t{1} << sub_bits) - 1)) | (std::size_t{1} << sub_bits);
  return ((std::uint64_t{leading} + 1) << shift) - 1;
}

void latency_histogram::record(nanoseconds value) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count()));
  ++buckets_[bucket_of(ns)];
  ++count_;
  sum_ += ns;
  max_ = std::max(max_, ns);
}

void latency_histogram::merge(const latency_histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

latency_histogram::nanoseconds latency_histogram::mean() const noexcept {
  return nanoseconds{count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / count_)};
}

latency_histogram::nanoseconds latency_histogram::quantile(double q) const noexcept {
  if (count_ == 0) return nanoseconds{0};
  const auto wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return nanoseconds{static_cast<std::int64_t>(std::min(upper_of(i), max_))};
  }
  return max();
}

}  // namespace msgkit::app
