// Log lines to Grafana Loki: POST /loki/api/v1/push, many lines a request, from a thread of its own.
//
// The queue is bounded: what does not fit is dropped and counted, and logging never waits. A batch that Loki does not
// take for now (no answer, 429, 5xx) is offered again with growing pauses; one it refuses for good is dropped and
// counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/log_tap.hpp"
#include "common/metrics.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

struct loki_options {
  bool enabled = false;
  std::string url{};  // "http://loki:3100": /loki/api/v1/push is added where there is no path
  std::string username{}, password{};
  std::string job{};                     // label of the stream, with `server_id` and the line's level and component
  std::string server_id{};               // empty: no such label
  std::string ca_file{};                 // PEM; empty: the system's
  std::size_t queue_lines_max = 10'000;  // 100..1'000'000
  std::size_t batch_lines_max = 1'000;   // 1..100'000
  std::chrono::milliseconds batch_wait{1'000};
};

// Thread-safe. Counts in `registry`: log_push_lines_total, log_push_dropped_lines_total, log_push_failures_total,
// log_push_queued_lines.
class loki_push final : public log_tap {
 public:
  loki_push(loki_options options, metrics& registry);
  ~loki_push() override;  // as stop()
  loki_push(const loki_push&) = delete;
  loki_push& operator=(const loki_push&) = delete;

  void on_line(wall_time at, log_level level, std::string_view component, std::string_view json) override;
  // Offers once more what is left, waits two seconds at most, and ends the thread.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app
