// SMPP times, "YYMMDDhhmmsstnnp" (SMPP 3.4 section 7.1.1), and the calendar arithmetic they need. Pure and thread-safe.
//
//   auto expiry = smpp::resolve_time(pdu.validity_period, now);   // result<std::optional<wall_time>>
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::smpp {

// A point in time and the offset in which the peer wrote it.
struct absolute_time {
  wall_time at{};
  std::chrono::minutes offset{0};  // ahead of UTC; -12 h .. +12 h in steps of 15 min
  friend bool operator==(const absolute_time&, const absolute_time&) = default;
};

// Calendar fields to add to the time of the SMSC, each 0..99.
struct relative_time {
  std::uint8_t years = 0, months = 0, days = 0, hours = 0, minutes = 0, seconds = 0;
  friend bool operator==(const relative_time&, const relative_time&) = default;
};

// Empty field: "now" for schedule_delivery_time, the SMSC's default for validity_period.
using smpp_time = std::variant<std::monostate, absolute_time, relative_time>;

// Two-digit years mean the one of 100 that lies from 50 years before to 49 years after this.
constexpr int reference_year_default = 2025;

// `text` comes without its closing zero octet.
// Errors, each with the offset of the character: text_errc::time_length, time_digit, time_range, time_direction.
// Relative fields are not held to calendar ranges: 36 hours or 14 months are understood.
result<smpp_time> parse_time(std::string_view text, int reference_year = reference_year_default);

// What `text` means at `now`: nothing when empty. The century of an absolute time follows from `now`.
result<std::optional<wall_time>> resolve_time(std::string_view text, wall_time now);

// Adds years and months by the calendar (31 January plus a month is the last of February), the rest as durations.
wall_time add(wall_time start, const relative_time& r);

// Always 16 characters. `offset` is rounded to quarter hours and held to +-12 h; years are written modulo 100.
std::string format_absolute(wall_time at, std::chrono::minutes offset = std::chrono::minutes{0});
std::string format_relative(const relative_time& r);  // fields above 99 are written as 99
// In days, hours, minutes and seconds; negative becomes 0. Longer than 99 days uses years of 365 and months of 30 days,
// at most 99 years.
std::string format_relative(std::chrono::seconds span);

// Building blocks, shared with delivery receipts.
int full_year(int two_digits, int reference_year);
// Nothing when a field is outside its range. Seconds up to 60 (a leap second reads as the next minute's start).
std::optional<wall_time> make_wall_time(int year, int month, int day, int hour, int minute, int second);

}  // namespace msgkit::smpp
