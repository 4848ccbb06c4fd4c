#include "harness.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace msgkit::bench {
namespace {

constexpr double spread_warning = 0.25;  // (max - min) / median of the ratios

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

// Large rates without digits nobody reads, small costs with two decimals.
std::string figure(double v) {
  if (v >= 10'000) return fmt::format("{:.1f}k", v / 1000);
  return fmt::format("{:.{}f}", v, v >= 100 ? 0 : 2);
}

[[noreturn]] void usage(const char* program) {
  fmt::print(stderr, "usage: {} [--json] [--list] [--pairs N (5..1000)] [--seconds S (0.01..600)] [filter]\n", program);
  std::exit(2);
}

template <class T>
T number(const char* program, const char* text, T low, T high) {
  T value{};
  const std::string_view s = text != nullptr ? text : "";
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc{} || end != s.data() + s.size() || value < low || value > high) usage(program);
  return value;
}

}  // namespace

std::span<std::uint8_t> codec_buffer() noexcept {
  alignas(4096) static std::uint8_t buffer[4096];
  return buffer;
}

seconds thread_cpu_time() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return seconds{static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9};
}

suite::suite(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const char* next = i + 1 < argc ? argv[i + 1] : nullptr;
    if (arg == "--json") json_ = true;
    else if (arg == "--list") list_ = true;
    else if (arg == "--pairs") pairs_ = number<std::size_t>(argv[0], next, 5, 1000), ++i;
    else if (arg == "--seconds") length_ = seconds{number<double>(argv[0], next, 0.01, 600)}, ++i;
    else if (arg.starts_with("-") || !filter_.empty()) usage(argv[0]);
    else filter_ = arg;
  }
}

void suite::add(comparison c) { rows_.push_back(std::move(c)); }

void suite::add(limit l) {
  const bool none_allowed = l.value == 0;
  rows_.push_back({.name = std::move(l.name),
                   .subject = std::move(l.subject),
                   .reference = "limit",
                   .unit = std::move(l.unit),
                   .counts = l.counts,
                   .budget = none_allowed ? 0.0 : 1.0,
                   .run_subject = std::move(l.run_subject),
                   .run_reference = [value = none_allowed ? 1.0 : l.value](seconds, std::string&) { return value; }});
}

row suite::measure(const comparison& c) const {
  std::vector<double> subjects, references, ratios;
  std::string subject_note, reference_note;
  for (std::size_t pair = 0; pair <= pairs_; ++pair) {
    subject_note.clear();
    reference_note.clear();
    const double subject = c.run_subject(length_, subject_note);
    const double reference = c.run_reference(length_, reference_note);
    if (pair == 0) continue;  // warm-up
    subjects.push_back(subject);
    references.push_back(reference);
    ratios.push_back(subject / reference);
  }

  row r{.name = c.name, .subject = c.subject, .reference = c.reference, .unit = c.unit};
  r.subject_median = median(subjects);
  r.reference_median = median(references);
  r.ratio_median = median(ratios);
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  r.ratio_min = *low;
  r.ratio_max = *high;
  r.budget = c.budget;
  r.counts = c.counts;
  r.ok = c.counts == kind::cost ? r.ratio_median <= c.budget : r.ratio_median >= c.budget;
  r.note = subject_note;
  if (!reference_note.empty()) r.note += fmt::format("{}reference: {}", r.note.empty() ? "" : "; ", reference_note);
  const double spread = r.ratio_median > 0 ? (r.ratio_max - r.ratio_min) / r.ratio_median : 0;
  if (spread > spread_warning) {
    r.note += fmt::format("{}spread {:.0f} %", r.note.empty() ? "" : "; ", spread * 100);
  }
  return r;
}

int suite::run() {
  int status = 1;
  for (const comparison& c : rows_) {
    if (c.name.find(filter_) == std::string::npos) continue;
    if (list_) {
      fmt::print("{}\n", c.name);
      status = 0;
      continue;
    }
    try {
      const row r = measure(c);
      fmt::print("{}\n", json_ ? to_json(r) : to_text(r));
      std::fflush(stdout);
      status = 0;
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {}\n", c.name, error.what());
      return 1;
    }
  }
  return status;
}

std::string to_json(const row& r) {
  return fmt::format(
      R"({{"name":{},"subject":{},"reference":{},"unit":{},"subject_median":{:.6g},"reference_median":{:.6g},)"
      R"("ratio":{{"median":{:.4g},"min":{:.4g},"max":{:.4g}}},"budget":{:.4g},"better":{},"ok":{},"note":{}}})",
      quoted(r.name), quoted(r.subject), quoted(r.reference), quoted(r.unit), r.subject_median, r.reference_median,
      r.ratio_median, r.ratio_min, r.ratio_max, r.budget, quoted(r.counts == kind::cost ? "lower" : "higher"),
      r.ok ? "true" : "false", quoted(r.note));
}

std::string to_text(const row& r) {
  return fmt::format("{:<40} {:>10} vs {:>10} {:<8} ratio {:.2f} ({:.2f}..{:.2f}) budget {} {:<5.4g} {}  {} vs {}{}{}",
                     r.name, figure(r.subject_median), figure(r.reference_median), r.unit, r.ratio_median, r.ratio_min,
                     r.ratio_max, r.counts == kind::cost ? "<=" : ">=", r.budget, r.ok ? "ok  " : "MISS", r.subject,
                     r.reference, r.note.empty() ? "" : "; ", r.note);
}

}  // namespace msgkit::bench
