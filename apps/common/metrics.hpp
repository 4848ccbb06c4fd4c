// Counters, gauges and histograms in the Prometheus text format (prometheus-cpp's model and serialiser).
//
// Look a series up once and keep the handle: handles are one pointer, valid as long as the registry, and changing them
// is lock-free and safe from any thread. Values that live elsewhere are read by a callback when somebody scrapes.
// Names carry unit and, for counters, `_total`. Labels must be bounded sets: never numbers, ids or URLs; a family
// that reaches its limit of series counts further ones in a series whose label values are all "other".
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace msgkit::app {

using metric_labels = std::vector<std::pair<std::string, std::string>>;

class counter {
 public:
  counter() = default;  // counts nothing
  void add(std::uint64_t n = 1) const noexcept {
    if (cell_ != nullptr) cell_->fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return cell_ == nullptr ? 0 : cell_->load(std::memory_order_relaxed);
  }

 private:
  friend class metrics;
  explicit counter(std::atomic<std::uint64_t>* cell) : cell_(cell) {}
  std::atomic<std::uint64_t>* cell_ = nullptr;
};

class gauge {
 public:
  gauge() = default;
  void set(double v) const noexcept {
    if (cell_ != nullptr) cell_->store(v, std::memory_order_relaxed);
  }
  void add(double v = 1) const noexcept {
    if (cell_ != nullptr) cell_->fetch_add(v, std::memory_order_relaxed);
  }
  [[nodiscard]] double value() const noexcept { return cell_ == nullptr ? 0 : cell_->load(std::memory_order_relaxed); }

 private:
  friend class metrics;
  explicit gauge(std::atomic<double>* cell) : cell_(cell) {}
  std::atomic<double>* cell_ = nullptr;
};

class histogram {
 public:
  struct cells;
  histogram() = default;
  void observe(double v) const noexcept;

 private:
  friend class metrics;
  explicit histogram(cells* c) : cells_(c) {}
  cells* cells_ = nullptr;
};

// Where a collect callback puts what it reads.
class metric_sink {
 public:
  virtual ~metric_sink() = default;
  virtual void counter(std::string_view name, std::string_view help, double value, metric_labels labels = {}) = 0;
  virtual void gauge(std::string_view name, std::string_view help, double value, metric_labels labels = {}) = 0;
  // `counts` has one more than `upper`: what lies beyond the last bound. Each counts its own bucket alone.
  virtual void histogram(std::string_view name, std::string_view help, std::span<const double> upper,
                         std::span<const std::uint64_t> counts, double sum, metric_labels labels = {}) = 0;
};

// 5 ms to 60 s.
std::span<const double> default_seconds_buckets() noexcept;

class metrics {
 public:
  explicit metrics(std::size_t series_per_family_max = 2000);
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // The same name and labels give the same series. Throws std::invalid_argument for a name or label name outside
  // [a-zA-Z_][a-zA-Z0-9_]*, a name used before with another kind, or buckets that do not ascend: faults of ours.
  class counter counter(std::string_view name, std::string_view help, const metric_labels& labels = {});
  class gauge gauge(std::string_view name, std::string_view help, const metric_labels& labels = {});
  class histogram histogram(std::string_view name, std::string_view help, const metric_labels& labels = {},
                            std::span<const double> buckets = default_seconds_buckets());

  // `read` runs in render(), under the registry's lock, on the scraping thread: it must be quick and must not call
  // the registry. Dropping the returned token removes it, waiting for a render() in progress.
  [[nodiscard]] std::shared_ptr<void> on_collect(std::function<void(metric_sink&)> read);

  // Adds `<app>_build_info{version,revision} 1` and the process_* gauges.
  void add_process_metrics(std::string_view app, std::string_view version, std::string_view revision);

  // text/plain; version=0.0.4
  [[nodiscard]] std::string render() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
