// Logging of the apps: one line per event to standard error, as text or as JSON, through spdlog.
//
// Values are escaped, so that what a peer sends cannot forge lines or drive a terminal. Message text, passwords and
// tokens are not logged; numbers go through masked_number() where the operator asked for privacy.
// A disabled level costs one relaxed load; fields are views and are not copied.
// Thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace msgkit::app {

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
enum class log_format : std::uint8_t { text, json };

std::string_view to_string(log_level level) noexcept;

// A value of a field. Views are read during the call only.
class log_value {
 public:
  log_value(std::string_view v) : value_(v) {}               // NOLINT: implicit, so that field lists read well
  log_value(const std::string& v) : value_(std::string_view(v)) {}  // NOLINT
  log_value(const char* v) : value_(std::string_view(v)) {}  // NOLINT
  log_value(bool v) : value_(v) {}                           // NOLINT
  template <std::signed_integral T>
  log_value(T v) : value_(static_cast<std::int64_t>(v)) {}   // NOLINT
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  log_value(T v) : value_(static_cast<std::uint64_t>(v)) {}  // NOLINT
  log_value(double v) : value_(v) {}                         // NOLINT
  log_value(std::error_code v) : value_(v) {}                // NOLINT: shown as its message, "none" when empty

  using variant = std::variant<std::string_view, bool, std::int64_t, std::uint64_t, double, std::error_code>;
  [[nodiscard]] const variant& get() const noexcept { return value_; }

 private:
  variant value_;
};

struct log_field {
  std::string_view name;  // a literal: [a-z_]+
  log_value value;
};
using log_fields = std::initializer_list<log_field>;

struct log_options {
  log_level level = log_level::info;
  log_format format = log_format::text;
};

// Sets level and format of the process. Standard error is written line by line; when it is the journal, each line
// carries its syslog priority.
void configure_logging(const log_options& options);
void set_log_level(log_level level) noexcept;
[[nodiscard]] log_level current_log_level() noexcept;

// A named source of log lines. Copyable; `component` must outlive it (a literal).
class logger {
 public:
  explicit constexpr logger(std::string_view component) noexcept : component_(component) {}

  [[nodiscard]] static bool enabled(log_level level) noexcept { return level >= current_log_level(); }
  void log(log_level level, std::string_view message, log_fields fields = {}) const {
    if (enabled(level)) write(level, message, fields);
  }
  void trace(std::string_view message, log_fields fields = {}) const { log(log_level::trace, message, fields); }
  void debug(std::string_view message, log_fields fields = {}) const { log(log_level::debug, message, fields); }
  void info(std::string_view message, log_fields fields = {}) const { log(log_level::info, message, fields); }
  void warn(std::string_view message, log_fields fields = {}) const { log(log_level::warn, message, fields); }
  void error(std::string_view message, log_fields fields = {}) const { log(log_level::error, message, fields); }

 private:
  void write(log_level level, std::string_view message, log_fields fields) const;
  std::string_view component_;
};

// "447700900123" -> "4477*****123". Shorter than 8 characters: only the last two remain.
std::string masked_number(std::string_view number);

}  // namespace msgkit::app
