#include "msgkit/mm4/date.hpp"

#include <array>
#include <charconv>

#include "text.hpp"

namespace msgkit::mm4 {
namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::int64_t expiry_seconds_max = 10LL * 366 * 86'400;

struct zone_name {
  std::string_view name;
  int minutes;
};
// RFC 5322 section 4.3.
constexpr zone_name zones[] = {{"UT", 0},     {"UTC", 0},    {"GMT", 0},    {"Z", 0},     {"EST", -300}, {"EDT", -240},
                               {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}};

struct fields {
  int year = -1, month = 0, day = 0, hour = -1, minute = 0, second = 0, zone_minutes = 0;
};

std::optional<int> number(std::string_view text) noexcept {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !is_digits(text)) return std::nullopt;
  return value;
}

std::optional<wall_time> moment(const fields& f) noexcept {
  using namespace std::chrono;
  const year_month_day date{year{f.year}, month{static_cast<unsigned>(f.month)}, day{static_cast<unsigned>(f.day)}};
  if (!date.ok() || f.year < 1970 || f.year > 9999) return std::nullopt;
  if (f.hour < 0 || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  return wall_time{sys_days{date}} + hours{f.hour} + minutes{f.minute - f.zone_minutes} + seconds{f.second};
}

// hh:mm or hh:mm:ss, a fraction is dropped.
bool read_time(std::string_view text, fields& f) noexcept {
  text = text.substr(0, text.find_first_of(".,"));
  const auto first = text.find(':');
  if (first == std::string_view::npos) return false;
  const auto second = text.find(':', first + 1);
  const auto h = number(text.substr(0, first));
  const auto m = number(text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1));
  const auto s = second == std::string_view::npos ? std::optional{0} : number(text.substr(second + 1));
  if (!h || !m || !s) return false;
  f.hour = *h;
  f.minute = *m;
  f.second = *s;
  return true;
}

// +hhmm, +hh:mm, GMT+hhmm, or a name.
bool read_zone(std::string_view text, fields& f) noexcept {
  if (text.size() > 3 && mime::starts_ignoring_case(text, "GMT")) text.remove_prefix(3);
  if (text.starts_with('+') || text.starts_with('-')) {
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto h = number(text.substr(0, 2));
    const auto rest = text.size() > 2 && text[2] == ':' ? text.substr(3) : text.substr(std::min<std::size_t>(2, text.size()));
    const auto m = rest.empty() ? std::optional{0} : number(rest);
    if (!h || !m || *h > 14 || *m > 59) return false;
    f.zone_minutes = sign * (*h * 60 + *m);
    return true;
  }
  for (const auto& z : zones) {
    if (!mime::equal_ignoring_case(z.name, text)) continue;
    f.zone_minutes = z.minutes;
    return true;
  }
  return false;
}

// 2026-04-02T12:00:00Z, with blank for T as well (RFC 3339).
std::optional<wall_time> parse_rfc3339(std::string_view text) noexcept {
  if (text.size() < 16 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' ')) return std::nullopt;
  fields f;
  const auto y = number(text.substr(0, 4)), m = number(text.substr(5, 2)), d = number(text.substr(8, 2));
  if (!y || !m || !d) return std::nullopt;
  f.year = *y;
  f.month = *m;
  f.day = *d;
  const auto clock = text.substr(11);
  const auto zone = clock.find_first_of("Zz+-");
  if (!read_time(mime::trim(clock.substr(0, zone)), f)) return std::nullopt;
  if (zone != std::string_view::npos && !read_zone(mime::trim(clock.substr(zone)), f)) return std::nullopt;
  return moment(f);
}

}  // namespace

// The forms differ in the order of their words only, and each word says by its shape what it is.
std::optional<wall_time> parse_date(std::string_view text) noexcept {
  text = unquoted(text);
  if (text.size() > 100) return std::nullopt;
  if (auto t = parse_rfc3339(text)) return t;
  fields f;
  while (!text.empty()) {
    const auto end = text.find_first_of(" \t,");
    const auto word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (word.empty()) continue;
    if (word.starts_with('(')) break;  // a comment ends the line
    if (word.find(':') != std::string_view::npos && word.front() >= '0' && word.front() <= '9') {
      if (!read_time(word, f)) return std::nullopt;
    } else if (is_digits(word)) {
      const auto value = number(word);
      if (!value) return std::nullopt;
      if (f.day == 0 && word.size() <= 2) f.day = *value;
      else if (f.year < 0) f.year = word.size() == 2 ? *value + (*value < 50 ? 2000 : 1900) : *value;
      else return std::nullopt;
    } else {
      bool known = false;
      for (std::size_t i = 0; i < months.size() && !known; ++i) {
        known = mime::equal_ignoring_case(months[i], word.substr(0, 3)) && word.size() >= 3 && f.month == 0;
        if (known) f.month = static_cast<int>(i) + 1;
      }
      for (std::size_t i = 0; i < days.size() && !known; ++i)
        known = word.size() >= 3 && mime::equal_ignoring_case(days[i], word.substr(0, 3));
      if (!known && !read_zone(word, f)) return std::nullopt;
    }
  }
  if (f.year < 0 || f.month == 0 || f.day == 0 || f.hour < 0) return std::nullopt;
  return moment(f);
}

std::string format_date(wall_time t) {
  using namespace std::chrono;
  const auto midnight = floor<std::chrono::days>(t);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<seconds>(t - midnight)};
  const auto two = [](auto value) {
    const auto text = std::to_string(value);
    return text.size() < 2 ? '0' + text : text;
  };
  std::string out(days[weekday{midnight}.c_encoding()]);
  out += ", " + two(static_cast<unsigned>(date.day())) + ' ';
  out += months[static_cast<unsigned>(date.month()) - 1];
  out += ' ' + std::to_string(static_cast<int>(date.year())) + ' ' + two(clock.hours().count()) + ':' +
         two(clock.minutes().count()) + ':' + two(clock.seconds().count()) + " +0000";
  return out;
}

std::optional<expiry> parse_expiry(std::string_view text) noexcept {
  text = unquoted(text);
  if (is_digits(text)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds > expiry_seconds_max) return std::nullopt;
    return expiry{std::chrono::seconds{seconds}};
  }
  if (const auto t = parse_date(text)) return expiry{*t};
  return std::nullopt;
}

wall_time expiry_moment(const expiry& e, wall_time date) {
  if (const auto* relative = std::get_if<std::chrono::seconds>(&e)) return date + *relative;
  return std::get<wall_time>(e);
}

}  // namespace msgkit::mm4
