#include "common/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "common/log_line.hpp"
#include "common/log_tap.hpp"

namespace msgkit::app {
namespace {

struct level_info {
  spdlog::level::level_enum spdlog_level;
  std::string_view journal_priority;
};
// Index: log_level. Priorities are those of sd-daemon(3).
constexpr std::array<level_info, 6> levels{{
    {spdlog::level::trace, "<7>"},
    {spdlog::level::debug, "<7>"},
    {spdlog::level::info, "<6>"},
    {spdlog::level::warn, "<4>"},
    {spdlog::level::err, "<3>"},
    {spdlog::level::off, ""},
}};

constexpr const level_info& info_of(log_level level) { return levels[static_cast<std::size_t>(level)]; }

std::atomic<log_level> level_now{log_level::info};
std::atomic<log_format> format_now{log_format::text};
std::atomic<bool> is_tapped{false};

struct tap_holder {
  std::mutex mutex;
  std::shared_ptr<log_tap> tap;
};
// Never destroyed, as the output below.
tap_holder& process_tap() {
  static auto* const instance = new tap_holder;
  return *instance;
}

void hand_to_tap(std::string_view line, wall_time at, log_level level, std::string_view component) {
  std::shared_ptr<log_tap> tap;
  {
    const std::lock_guard lock(process_tap().mutex);
    tap = process_tap().tap;
  }
  if (tap) tap->on_line(at, level, component, line);
}

// The journal announces itself as "device:inode" of the stream it gave us as standard error.
bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

struct output {
  output() : target("msgkit", std::make_shared<spdlog::sinks::stderr_sink_mt>()), journal(stderr_is_journal()) {
    target.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    target.set_level(spdlog::level::trace);
    target.flush_on(spdlog::level::trace);
  }
  spdlog::logger target;
  bool journal;
};

// Never destroyed: threads that outlive main may still log.
output& process_output() {
  static auto* const instance = new output;
  return *instance;
}

}  // namespace

void configure_logging(const log_options& options) {
  format_now.store(options.format, std::memory_order_relaxed);
  set_log_level(options.level);
}

void set_log_level(log_level level) noexcept { level_now.store(level, std::memory_order_relaxed); }
log_level current_log_level() noexcept { return level_now.load(std::memory_order_relaxed); }

void logger::write(log_level level, std::string_view message, log_fields fields) const {
  if (level == log_level::off) return;
  thread_local std::string line;
  line.clear();
  auto& out = process_output();
  if (out.journal) line += info_of(level).journal_priority;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  append_log_line(line, format_now.load(std::memory_order_relaxed), now, level, component_, message, fields);
  out.target.log(info_of(level).spdlog_level, spdlog::string_view_t(line.data(), line.size()));
  if (!is_tapped.load(std::memory_order_relaxed)) return;
  line.clear();
  append_log_line(line, log_format::json, now, level, component_, message, fields);
  hand_to_tap(line, now, level, component_);
}

void set_log_tap(std::shared_ptr<log_tap> tap) {
  is_tapped.store(tap != nullptr, std::memory_order_relaxed);
  const std::lock_guard lock(process_tap().mutex);
  process_tap().tap.swap(tap);
}

std::string masked_number(std::string_view number) {
  std::string out(number);
  const bool is_long = number.size() >= 8;
  const std::size_t head = is_long ? 4 : 0;
  const std::size_t tail = is_long ? 3 : std::min<std::size_t>(2, number.size() / 2);
  for (std::size_t i = head; i + tail < out.size(); ++i) out[i] = '*';
  return out;
}

}  // namespace msgkit::app
