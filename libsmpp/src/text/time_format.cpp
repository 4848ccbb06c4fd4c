#include "msgkit/smpp/text/time_format.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

using namespace std::chrono;

constexpr std::size_t time_octets = 16;
constexpr int quarter_hours_max = 48;
using quarter_hours = std::chrono::duration<int, std::ratio<900>>;

fault fail(text_errc e, std::size_t offset) { return {make_error_code(e), "time", offset}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
int two_digits(std::string_view text, std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; }

struct field_range {
  std::size_t offset;
  int low, high;
};
// Month, day, hour, minute, second, quarter hours of an absolute time.
constexpr field_range ranges[] = {{2, 1, 12}, {4, 1, 31}, {6, 0, 23}, {8, 0, 59}, {10, 0, 60}, {13, 0, 48}};

result<smpp_time> parse_absolute(std::string_view text, int reference_year) {
  for (const auto& r : ranges) {
    const int value = two_digits(text, r.offset);
    if (value < r.low || value > r.high) return fail(text_errc::time_range, r.offset);
  }
  const int year = full_year(two_digits(text, 0), reference_year);
  const auto local = make_wall_time(year, two_digits(text, 2), two_digits(text, 4), two_digits(text, 6),
                                    two_digits(text, 8), two_digits(text, 10));
  if (!local) return fail(text_errc::time_range, 4);  // a day that this month does not have
  const milliseconds tenths{(text[12] - '0') * 100};
  const minutes ahead{two_digits(text, 13) * 15 * (text[15] == '-' ? -1 : 1)};
  return smpp_time{absolute_time{*local + tenths - ahead, ahead}};
}

smpp_time parse_relative(std::string_view text) {
  const auto field = [&](std::size_t at) { return static_cast<std::uint8_t>(two_digits(text, at)); };
  return relative_time{field(0), field(2), field(4), field(6), field(8), field(10)};
}

int year_of(wall_time t) { return static_cast<int>(year_month_day{floor<days>(t)}.year()); }

}  // namespace

int full_year(int two_digits, int reference_year) {
  const int first = reference_year - 50;
  const int shift = ((two_digits - first) % 100 + 100) % 100;
  return first + shift;
}

std::optional<wall_time> make_wall_time(int year, int month, int day, int hour, int minute, int second) {
  const auto in = [](int v, int low, int high) { return v >= low && v <= high; };
  if (!in(month, 1, 12) || !in(day, 1, 31) || !in(hour, 0, 23) || !in(minute, 0, 59) || !in(second, 0, 60)) return {};
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return {};
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second};
}

result<smpp_time> parse_time(std::string_view text, int reference_year) {
  if (text.empty()) return smpp_time{};
  if (text.size() != time_octets) return fail(text_errc::time_length, text.size());
  for (std::size_t i = 0; i + 1 < time_octets; ++i) {
    if (!is_digit(text[i])) return fail(text_errc::time_digit, i);
  }
  switch (text.back()) {
    case 'R': return parse_relative(text);
    case '+':
    case '-': return parse_absolute(text, reference_year);
    default: return fail(text_errc::time_direction, time_octets - 1);
  }
}

result<std::optional<wall_time>> resolve_time(std::string_view text, wall_time now) {
  const auto parsed = parse_time(text, year_of(now));
  if (!parsed) return parsed.error();
  if (const auto* at = std::get_if<absolute_time>(&*parsed)) return std::optional{at->at};
  if (const auto* span = std::get_if<relative_time>(&*parsed)) return std::optional{add(now, *span)};
  return std::optional<wall_time>{};
}

wall_time add(wall_time start, const relative_time& r) {
  const auto day_start = floor<days>(start);
  auto date = year_month_day{day_start} + years{r.years} + months{r.months};
  if (!date.ok()) date = date.year() / date.month() / last;
  return sys_days{date} + (start - day_start) + days{r.days} + hours{r.hours} + minutes{r.minutes} + seconds{r.seconds};
}

std::string format_absolute(wall_time at, minutes offset) {
  const int quarters = std::clamp(round<quarter_hours>(offset).count(), -quarter_hours_max, quarter_hours_max);
  const auto local = at + minutes{quarters * 15};
  const auto day = floor<days>(local);
  const year_month_day date{day};
  const hh_mm_ss clock{local - day};
  const int year = (static_cast<int>(date.year()) % 100 + 100) % 100;
  return fmt::format("{:02}{:02}{:02}{:02}{:02}{:02}{}{:02}{}", year, static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), clock.subseconds().count() / 100, quarters < 0 ? -quarters : quarters,
                     quarters < 0 ? '-' : '+');
}

std::string format_relative(const relative_time& r) {
  const auto field = [](std::uint8_t v) { return std::min<unsigned>(v, 99); };
  return fmt::format("{:02}{:02}{:02}{:02}{:02}{:02}000R", field(r.years), field(r.months), field(r.days),
                     field(r.hours), field(r.minutes), field(r.seconds));
}

std::string format_relative(seconds span) {
  constexpr seconds longest = days{99 * 365 + 364} + hours{23} + minutes{59} + seconds{59};
  span = std::clamp(span, seconds{0}, longest);
  auto whole_days = floor<days>(span).count();
  const hh_mm_ss clock{span - days{whole_days}};
  relative_time r;
  if (whole_days > 99) {
    r.years = static_cast<std::uint8_t>(whole_days / 365);
    r.months = static_cast<std::uint8_t>(whole_days % 365 / 30);
    whole_days = whole_days % 365 % 30;
  }
  r.days = static_cast<std::uint8_t>(whole_days);
  r.hours = static_cast<std::uint8_t>(clock.hours().count());
  r.minutes = static_cast<std::uint8_t>(clock.minutes().count());
  r.seconds = static_cast<std::uint8_t>(clock.seconds().count());
  return format_relative(r);
}

}  // namespace msgkit::smpp
