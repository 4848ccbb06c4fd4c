#include "common/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace msgkit::app {
namespace {

using seconds = std::chrono::duration<double>;

constexpr std::chrono::milliseconds terminal_interval{100};
constexpr std::chrono::milliseconds plain_interval{5'000};
constexpr std::chrono::milliseconds rate_interval{1'000};
constexpr std::size_t bar_columns = 24;

std::string format_remaining(double left) {
  const auto total = static_cast<std::uint64_t>(std::clamp(left, 0.0, 8.64e6));
  if (total >= 3600) return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
  return total >= 60 ? fmt::format("{}m{:02}s", total / 60, total % 60) : fmt::format("{}s", total);
}

}  // namespace

std::string grouped(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ' ');
  return digits;
}

std::string format_latency(std::chrono::nanoseconds value) {
  const auto ns = static_cast<double>(value.count());
  if (ns < 1e3) return fmt::format("{} ns", value.count());
  if (ns < 1e6) return fmt::format("{:.3g} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.3g} ms", ns / 1e6);
  return fmt::format("{:.1f} s", ns / 1e9);
}

progress_mode progress_mode_for(std::FILE* to, bool quiet) {
  if (quiet) return progress_mode::quiet;
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return isatty(fileno(to)) != 0 && !dumb ? progress_mode::terminal : progress_mode::plain;
}

progress::progress(std::FILE* to, progress_mode mode, std::string unit, std::uint64_t total, time_point now)
    : to_(to), mode_(mode), unit_(std::move(unit)), total_(total), began_(now), rate_since_(now) {
  if (mode == progress_mode::plain) drawn_ = now;  // the first line after one interval
}

std::string progress::line(std::uint64_t done, std::string_view extra, time_point now) const {
  std::string out;
  const auto share = total_ == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  if (total_ != 0) {
    const auto filled = static_cast<std::size_t>(share * bar_columns);
    std::string bar(filled, '=');
    if (filled < bar_columns) bar += '>';
    bar.resize(bar_columns, ' ');
    out += fmt::format("[{}] {:3}%  {}/{}", bar, static_cast<int>(share * 100), grouped(done), grouped(total_));
  } else {
    out += grouped(done);
  }
  const auto elapsed = seconds(now - began_).count();
  const auto rate = rate_ ? *rate_ : elapsed > 0 ? static_cast<double>(done) / elapsed : 0.0;
  out += fmt::format(" {}  {}/s", unit_, grouped(static_cast<std::uint64_t>(rate)));
  if (total_ > done && rate > 0)
    out += fmt::format("  {} left", format_remaining(static_cast<double>(total_ - done) / rate));
  if (!extra.empty()) out += fmt::format("  {}", extra);
  return out;
}

void progress::update(std::uint64_t done, std::string_view extra, time_point now) {
  if (mode_ == progress_mode::quiet) return;
  if (now - rate_since_ >= rate_interval) {
    rate_ = static_cast<double>(done - std::min(done, rate_done_)) / seconds(now - rate_since_).count();
    rate_since_ = now;
    rate_done_ = done;
  }
  const auto interval = mode_ == progress_mode::terminal ? terminal_interval : plain_interval;
  if (!drawn_ || now - *drawn_ >= interval) draw(done, extra, now, false);
}

void progress::finish(std::uint64_t done, std::string_view extra, time_point now) {
  if (mode_ == progress_mode::quiet) return;
  rate_.reset();  // the last line shows the rate of the whole run
  draw(done, extra, now, true);
}

void progress::draw(std::uint64_t done, std::string_view extra, time_point now, bool last) {
  drawn_ = now;
  const auto text = line(done, extra, now);
  if (mode_ == progress_mode::terminal) fmt::print(to_, "\r{}\x1b[K{}", text, last ? "\n" : "");
  else fmt::print(to_, "{}\n", text);
  std::fflush(to_);
}

}  // namespace msgkit::app
