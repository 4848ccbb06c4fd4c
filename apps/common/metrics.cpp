#include "common/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>

#include "common/process_metrics.hpp"

namespace msgkit::app {

struct histogram::cells {
  explicit cells(std::span<const double> bounds) : upper(bounds.begin(), bounds.end()), counts(upper.size() + 1) {}
  const std::vector<double> upper;
  std::vector<std::atomic<std::uint64_t>> counts;  // one more than bounds: above the last
  std::atomic<double> sum{0};
};

void histogram::observe(double v) const noexcept {
  if (cells_ == nullptr) return;
  const auto bucket = std::ranges::lower_bound(cells_->upper, v) - cells_->upper.begin();
  cells_->counts[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  cells_->sum.fetch_add(v, std::memory_order_relaxed);
}

namespace {

constexpr double seconds_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

bool is_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && is_letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

void check_names(std::string_view name, const metric_labels& labels) {
  if (!is_name(name)) throw std::invalid_argument(fmt::format("metric name {}", name));
  for (const auto& [label, value] : labels)
    if (!is_name(label) || label.starts_with("__"))
      throw std::invalid_argument(fmt::format("label name {} of metric {}", label, name));
}

prometheus::ClientMetric with_labels(const metric_labels& labels) {
  prometheus::ClientMetric out;
  for (const auto& [name, value] : labels) out.label.push_back({name, value});
  return out;
}

using families = std::map<std::string, prometheus::MetricFamily, std::less<>>;

prometheus::MetricFamily& family_of(families& all, std::string_view name, std::string_view help,
                                    prometheus::MetricType type) {
  auto it = all.find(name);
  if (it == all.end()) {
    it = all.emplace(std::string(name), prometheus::MetricFamily{}).first;
    it->second.name = name;
    it->second.help = help;
    it->second.type = type;
  }
  return it->second;
}

class family_sink final : public metric_sink {
 public:
  explicit family_sink(families& all) : all_(all) {}
  void counter(std::string_view name, std::string_view help, double value, metric_labels labels) override {
    auto metric = with_labels(labels);
    metric.counter.value = value;
    put(name, help, prometheus::MetricType::Counter, std::move(metric));
  }
  void gauge(std::string_view name, std::string_view help, double value, metric_labels labels) override {
    auto metric = with_labels(labels);
    metric.gauge.value = value;
    put(name, help, prometheus::MetricType::Gauge, std::move(metric));
  }
  void histogram(std::string_view name, std::string_view help, std::span<const double> upper,
                 std::span<const std::uint64_t> counts, double sum, metric_labels labels) override {
    auto metric = with_labels(labels);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      total += counts[i];
      metric.histogram.bucket.push_back({total, i < upper.size() ? upper[i] : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = sum;
    put(name, help, prometheus::MetricType::Histogram, std::move(metric));
  }

 private:
  void put(std::string_view name, std::string_view help, prometheus::MetricType type, prometheus::ClientMetric m) {
    auto& family = family_of(all_, name, help, type);
    if (family.type == type) family.metric.push_back(std::move(m));
  }
  families& all_;
};

template <class Cell>
struct series_family {
  std::string help;
  std::map<metric_labels, Cell*> series;
};

void collect_cell(prometheus::ClientMetric& m, const std::atomic<std::uint64_t>& cell) {
  m.counter.value = static_cast<double>(cell.load(std::memory_order_relaxed));
}
void collect_cell(prometheus::ClientMetric& m, const std::atomic<double>& cell) {
  m.gauge.value = cell.load(std::memory_order_relaxed);
}
void collect_cell(prometheus::ClientMetric& m, const histogram::cells& cell) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < cell.counts.size(); ++i) {
    total += cell.counts[i].load(std::memory_order_relaxed);
    const auto upper = i < cell.upper.size() ? cell.upper[i] : std::numeric_limits<double>::infinity();
    m.histogram.bucket.push_back({total, upper});
  }
  m.histogram.sample_count = total;
  m.histogram.sample_sum = cell.sum.load(std::memory_order_relaxed);
}

template <class Cell>
void collect_all(families& out, const std::map<std::string, series_family<Cell>, std::less<>>& from,
                 prometheus::MetricType type) {
  for (const auto& [name, family] : from) {
    auto& target = family_of(out, name, family.help, type);
    for (const auto& [labels, cell] : family.series) {
      auto metric = with_labels(labels);
      collect_cell(metric, *cell);
      target.metric.push_back(std::move(metric));
    }
  }
}

}  // namespace

std::span<const double> default_seconds_buckets() noexcept { return seconds_buckets; }

struct metrics::impl {
  explicit impl(std::size_t max) : series_max(max) {}

  const std::size_t series_max;
  mutable std::mutex mutex;
  std::deque<std::atomic<std::uint64_t>> counter_cells;  // deques: cells never move
  std::deque<std::atomic<double>> gauge_cells;
  std::deque<histogram::cells> histogram_cells;
  std::map<std::string, series_family<std::atomic<std::uint64_t>>, std::less<>> counters;
  std::map<std::string, series_family<std::atomic<double>>, std::less<>> gauges;
  std::map<std::string, series_family<histogram::cells>, std::less<>> histograms;
  std::map<std::uint64_t, std::function<void(metric_sink&)>> readers;
  std::uint64_t next_reader = 0;

  template <class Cell, class Cells, class... Args>
  Cell* resolve(std::map<std::string, series_family<Cell>, std::less<>>& all, Cells& cells, std::string_view name,
                std::string_view help, metric_labels labels, Args&&... args) {
    check_names(name, labels);
    const std::lock_guard lock(mutex);
    const std::size_t kinds = counters.contains(name) + gauges.contains(name) + histograms.contains(name);
    auto it = all.find(name);
    if (it == all.end()) {
      if (kinds != 0) throw std::invalid_argument(fmt::format("metric {} exists with another kind", name));
      it = all.emplace(std::string(name), series_family<Cell>{std::string(help), {}}).first;
    }
    auto& series = it->second.series;
    if (const auto found = series.find(labels); found != series.end()) return found->second;
    if (series.size() >= series_max && !labels.empty()) {
      for (auto& label : labels) label.second = "other";
      if (const auto found = series.find(labels); found != series.end()) return found->second;
    }
    Cell* const cell = &cells.emplace_back(std::forward<Args>(args)...);
    series.emplace(std::move(labels), cell);
    return cell;
  }
};

metrics::metrics(std::size_t series_per_family_max) : impl_(std::make_shared<impl>(series_per_family_max)) {}
metrics::~metrics() = default;

counter metrics::counter(std::string_view name, std::string_view help, const metric_labels& labels) {
  return app::counter{impl_->resolve(impl_->counters, impl_->counter_cells, name, help, labels, 0u)};
}

gauge metrics::gauge(std::string_view name, std::string_view help, const metric_labels& labels) {
  return app::gauge{impl_->resolve(impl_->gauges, impl_->gauge_cells, name, help, labels, 0.0)};
}

histogram metrics::histogram(std::string_view name, std::string_view help, const metric_labels& labels,
                             std::span<const double> buckets) {
  if (buckets.empty() || std::ranges::adjacent_find(buckets, std::greater_equal<>{}) != buckets.end())
    throw std::invalid_argument(fmt::format("buckets of metric {} do not ascend", name));
  return app::histogram{impl_->resolve(impl_->histograms, impl_->histogram_cells, name, help, labels, buckets)};
}

std::shared_ptr<void> metrics::on_collect(std::function<void(metric_sink&)> read) {
  const std::lock_guard lock(impl_->mutex);
  const auto id = impl_->next_reader++;
  impl_->readers.emplace(id, std::move(read));
  return {nullptr, [weak = std::weak_ptr<impl>(impl_), id](void*) {
            if (const auto owner = weak.lock()) {
              const std::lock_guard guard(owner->mutex);
              owner->readers.erase(id);
            }
          }};
}

void metrics::add_process_metrics(std::string_view app, std::string_view version, std::string_view revision) {
  gauge(fmt::format("{}_build_info", app), "Version of the running program.",
        {{"version", std::string(version)}, {"revision", std::string(revision)}})
      .set(1);
  const std::lock_guard lock(impl_->mutex);
  impl_->readers.emplace(impl_->next_reader++, collect_process_metrics);
}

std::string metrics::render() const {
  families all;
  {
    const std::lock_guard lock(impl_->mutex);
    collect_all(all, impl_->counters, prometheus::MetricType::Counter);
    collect_all(all, impl_->gauges, prometheus::MetricType::Gauge);
    collect_all(all, impl_->histograms, prometheus::MetricType::Histogram);
    family_sink sink(all);
    for (const auto& [id, read] : impl_->readers) read(sink);
  }
  std::vector<prometheus::MetricFamily> list;
  list.reserve(all.size());
  for (auto& [name, family] : all) list.push_back(std::move(family));
  return prometheus::TextSerializer{}.Serialize(list);
}

}  // namespace msgkit::app
