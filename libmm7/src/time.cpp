#include "msgkit/mm7/time.hpp"

#include <charconv>

#include "msgkit/core/mime/header.hpp"

namespace msgkit::mm7 {
namespace {

constexpr std::int64_t seconds_max = 1'000'000'000'000;

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (!text.starts_with('P') || text.size() < 3) return std::nullopt;
  text.remove_prefix(1);
  bool in_time = false;
  std::int64_t total = 0;
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time) {
      in_time = true;
      text.remove_prefix(1);
      if (text.empty()) return std::nullopt;
      continue;
    }
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || n < 0 || n > 1'000'000'000) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('.')) text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
    if (text.empty()) return std::nullopt;
    std::int64_t unit = 0;
    switch (text.front()) {
      case 'Y': unit = in_time ? 0 : 31'557'600; break;
      case 'M': unit = in_time ? 60 : 2'592'000; break;
      case 'W': unit = in_time ? 0 : 604'800; break;
      case 'D': unit = in_time ? 0 : 86'400; break;
      case 'H': unit = in_time ? 3'600 : 0; break;
      case 'S': unit = in_time ? 1 : 0; break;
      default: break;
    }
    if (unit == 0) return std::nullopt;
    total += n * unit;
    if (total > seconds_max) return std::nullopt;
    text.remove_prefix(1);
  }
  return std::chrono::seconds{negative ? -total : total};
}

}  // namespace

std::optional<wall_time> parse_date_time(std::string_view text) noexcept {
  using namespace std::chrono;
  text = mime::trim(text);
  const auto year_number = digits(text, 0, 4), month_number = digits(text, 5, 2), day_number = digits(text, 8, 2);
  const auto h = digits(text, 11, 2), m = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!year_number || !month_number || !day_number || !h || !m || !s) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)}, day{static_cast<unsigned>(*day_number)}};
  if (!date.ok() || *year_number < 1970 || *h > 24 || *m > 59 || *s > 60) return std::nullopt;
  auto rest = text.substr(19);
  if (rest.starts_with('.')) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  minutes zone{0};
  if (!rest.empty() && rest != "Z" && rest != "z") {
    const auto zone_hours = digits(rest, 1, 2), zone_minutes = digits(rest, 4, 2);
    const bool sign = rest[0] == '+' || rest[0] == '-';
    if (!sign || rest.size() != 6 || rest[3] != ':' || !zone_hours || !zone_minutes || *zone_hours > 14) return std::nullopt;
    zone = hours{*zone_hours} + minutes{*zone_minutes};
    if (rest[0] == '-') zone = -zone;
  }
  return wall_time{sys_days{date}} + hours{*h} + minutes{*m} + seconds{*s} - zone;
}

std::string format_date_time(wall_time t) {
  using namespace std::chrono;
  const auto midnight = floor<days>(t);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<seconds>(t - midnight)};
  const auto padded = [](auto value, std::size_t width) {
    auto text = std::to_string(value);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
  };
  return padded(static_cast<int>(date.year()), 4) + '-' + padded(static_cast<unsigned>(date.month()), 2) + '-' +
         padded(static_cast<unsigned>(date.day()), 2) + 'T' + padded(clock.hours().count(), 2) + ':' +
         padded(clock.minutes().count(), 2) + ':' + padded(clock.seconds().count(), 2) + 'Z';
}

std::optional<relative_or_absolute> parse_relative_or_absolute(std::string_view text) noexcept {
  text = mime::trim(text);
  if (const auto t = parse_date_time(text)) return relative_or_absolute{*t};
  if (const auto d = parse_duration(text)) return relative_or_absolute{*d};
  return std::nullopt;
}

std::string format(const relative_or_absolute& t) {
  if (const auto* moment = std::get_if<wall_time>(&t)) return format_date_time(*moment);
  const auto seconds = std::get<std::chrono::seconds>(t).count();
  return (seconds < 0 ? "-PT" : "PT") + std::to_string(seconds < 0 ? -seconds : seconds) + 'S';
}

}  // namespace msgkit::mm7
