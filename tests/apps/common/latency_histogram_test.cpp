#include "common/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "msgkit/core/backoff.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, IsZeroWhenEmpty) {
  const latency_histogram h;
  EXPECT_EQ(h.quantile(0.5), 0ns);
  EXPECT_EQ(h.mean(), 0ns);
  EXPECT_EQ(h.max(), 0ns);
}

TEST(LatencyHistogram, IsExactForSmallValues) {
  latency_histogram h;
  for (int i = 1; i <= 100; ++i) h.record(std::chrono::nanoseconds{i});
  EXPECT_EQ(h.quantile(0.5), 50ns);
  EXPECT_EQ(h.quantile(0.99), 99ns);
  EXPECT_EQ(h.quantile(1), 100ns);
  EXPECT_EQ(h.mean(), 50ns);
}

TEST(LatencyHistogram, StaysWithinItsErrorOverTheWholeRange) {
  std::vector<std::int64_t> values;
  latency_histogram h;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto v = static_cast<std::int64_t>(mix(i) >> (21 + i % 40));
    values.push_back(v);
    h.record(std::chrono::nanoseconds{v});
  }
  std::ranges::sort(values);
  for (const double q : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const auto truth = static_cast<double>(values[static_cast<std::size_t>(q * 20'000) - 1]);
    const auto shown = static_cast<double>(h.quantile(q).count());
    EXPECT_GE(shown, truth) << q;
    EXPECT_LE(shown, truth * 1.017 + 1) << q;
  }
  EXPECT_EQ(h.max().count(), values.back());
}

TEST(LatencyHistogram, ClampsWhatIsOutOfRange) {
  latency_histogram h;
  h.record(-5ns);
  h.record(100h);
  EXPECT_EQ(h.quantile(0.5), 0ns);
  EXPECT_EQ(h.max(), 100h);
  EXPECT_GT(h.quantile(1), 4h);
}

TEST(LatencyHistogram, Merges) {
  latency_histogram a;
  latency_histogram b;
  a.record(10ns);
  b.record(30ns);
  a.merge(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_EQ(a.quantile(1), 30ns);
  EXPECT_EQ(a.mean(), 20ns);
}

}  // namespace
}  // namespace msgkit::app
