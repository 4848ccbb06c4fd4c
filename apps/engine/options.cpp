#include "engine/options.hpp"

#include <fmt/format.h>

namespace msgkit::engine {
namespace {

template <class T>
void range(std::string& problem, std::string_view key, T value, T min, T max) {
  if (problem.empty() && (value < min || value > max))
    problem = fmt::format("{}: {} is outside {}..{}", key, value, min, max);
}

constexpr std::int64_t year_seconds = 366 * 24 * 3600;

}  // namespace

std::string check(const core_options& o) {
  std::string p;
  range<std::uint64_t>(p, "instance", o.instance, 0, 1'023);
  range<std::uint64_t>(p, "active_messages_max", o.active_messages_max, 1, 10'000'000);
  range<std::uint64_t>(p, "attempts_max", o.attempts_max, 1, 1'000);
  range<std::int64_t>(p, "retry_initial_ms", o.retry.initial.count(), 1, year_seconds);
  range<std::int64_t>(p, "retry_maximum_ms", o.retry.maximum.count(), o.retry.initial.count(), year_seconds * 1'000);
  range<double>(p, "retry_factor", o.retry.factor, 1.0, 100.0);
  range<double>(p, "retry_jitter", o.retry.jitter, 0.0, 1.0);
  range<std::int64_t>(p, "throttle_initial_ms", o.throttle_initial.count(), 1, 3'600'000);
  range<std::int64_t>(p, "throttle_maximum_ms", o.throttle_maximum.count(), o.throttle_initial.count(), 3'600'000);
  range<std::int64_t>(p, "validity_default_s", o.validity_default.count(), 1, year_seconds);
  range<std::int64_t>(p, "receipt_validity_s", o.receipt_validity.count(), 1, year_seconds);
  range<std::int64_t>(p, "report_wait_s", o.report_wait.count(), 1, year_seconds);
  range<std::int64_t>(p, "early_report_wait_s", o.early_report_wait.count(), 1, 86'400);
  range<std::uint64_t>(p, "early_reports_max", o.early_reports_max, 0, 1'000'000);
  range<std::uint64_t>(p, "breaker_failures", o.breaker.failures, 0, 1'000'000);
  range<std::int64_t>(p, "breaker_open_ms", o.breaker.open.count(), 1, 86'400'000);
  range<std::int64_t>(p, "breaker_open_maximum_ms", o.breaker.open_maximum.count(), o.breaker.open.count(), 86'400'000);
  range<std::uint64_t>(p, "breaker_tries", o.breaker.tries, 1, 1'000);
  range<std::int64_t>(p, "duplicate_window_s", o.duplicate_window.count(), 1, year_seconds);
  range<std::int64_t>(p, "idempotency_window_s", o.idempotency_window.count(), 1, year_seconds);
  range<std::int64_t>(p, "parts_wait_s", o.parts_wait.count(), 1, 7 * 86'400);
  range<std::uint64_t>(p, "queue_max", o.endpoint_default.queue_max, 1, 10'000'000);
  for (const auto& [name, e] : o.endpoints)
    range<std::uint64_t>(p, fmt::format("endpoints.{}.queue_max", name), e.queue_max, 1, 10'000'000);
  return p;
}

}  // namespace msgkit::engine
