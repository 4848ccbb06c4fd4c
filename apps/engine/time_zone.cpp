#include "engine/time_zone.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>

namespace msgkit::engine {
namespace {

constexpr std::string_view directory = "/usr/share/zoneinfo/";
constexpr std::size_t file_octets_max = 256 * 1024;
constexpr std::int64_t day_seconds = 86'400;
constexpr std::size_t header_octets = 44;

fault bad(std::string_view field) { return fault{std::make_error_code(std::errc::invalid_argument), field}; }

std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) {
  using namespace std::chrono;
  const auto ymd = std::chrono::year{static_cast<int>(year)} / static_cast<int>(month) / static_cast<int>(day);
  return sys_days{ymd}.time_since_epoch().count();
}

std::int64_t seconds_of(wall_time t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

struct counts {
  std::uint32_t utc_indicators, standard_indicators, leaps, transitions, types, name_octets;
  [[nodiscard]] std::size_t block_octets(std::size_t time_octets) const {
    return std::size_t{transitions} * (time_octets + 1) + std::size_t{types} * 6 + name_octets +
           std::size_t{leaps} * (time_octets + 4) + standard_indicators + utc_indicators;
  }
};
std::optional<counts> read_header(bytes_view in) {
  if (in.size() < header_octets || as_text(in.first(4)) != "TZif") return std::nullopt;
  const auto n = [&](std::size_t i) { return load_big<std::uint32_t>(in.data() + 20 + 4 * i); };
  const counts c{n(0), n(1), n(2), n(3), n(4), n(5)};
  for (std::size_t i = 0; i < 6; ++i)
    if (n(i) > file_octets_max) return std::nullopt;
  return c;
}

}  // namespace

// The rule behind a zone file's table: "CET-1CEST,M3.5.0,M10.5.0/3".
class rule_reader {
 public:
  explicit rule_reader(std::string_view text) : text_(text) {}

  bool read(time_zone& z) {
    if (!name() || !offset(z.standard_)) return false;
    z.standard_ = -z.standard_;
    z.has_rule_ = true;
    if (text_.empty()) return true;
    if (!name()) return false;
    z.daylight_ = z.standard_ + 3'600;
    if (!text_.empty() && text_.front() != ',') {
      if (!offset(z.daylight_)) return false;
      z.daylight_ = -z.daylight_;
    }
    z.has_daylight_ = true;
    return change(z.begin_) && change(z.end_) && text_.empty();
  }

 private:
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool name() {
    if (take('<')) {
      const auto end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    const auto end = std::min(text_.find_first_of("+-0123456789,"), text_.size());
    text_.remove_prefix(end);
    return end >= 3;
  }
  bool number(std::int32_t& out, std::int32_t max) {
    std::size_t n = 0;
    out = 0;
    for (; n < text_.size() && n < 4 && text_[n] >= '0' && text_[n] <= '9'; ++n) out = out * 10 + (text_[n] - '0');
    text_.remove_prefix(n);
    return n > 0 && out <= max;
  }
  bool offset(std::int32_t& seconds) {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int32_t h = 0, m = 0, s = 0;
    if (!number(h, 167) || (take(':') && !number(m, 59)) || (take(':') && !number(s, 59))) return false;
    seconds = (h * 60 + m) * 60 + s;
    if (negative) seconds = -seconds;
    return true;
  }
  bool change(time_zone::change& c) {
    using kind = time_zone::change::kind;
    if (!take(',')) return false;
    if (take('M')) {
      c.how = kind::weekday_of_month;
      if (!number(c.month, 12) || c.month < 1 || !take('.') || !number(c.week, 5) || c.week < 1 || !take('.') ||
          !number(c.day, 6))
        return false;
    } else {
      c.how = take('J') ? kind::day_without_leap : kind::day_with_leap;
      if (!number(c.day, 365)) return false;
    }
    return !take('/') || offset(c.seconds);
  }
  std::string_view text_;
};

result<std::shared_ptr<const time_zone>> time_zone::load(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 64 && name.front() != '/' && name.find("..") == std::string_view::npos &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                             c == '_' || c == '-' || c == '+';
                    });
  if (!good) return bad("time_zone");
  if (name == "UTC") {
    auto utc = std::make_shared<time_zone>();
    utc->has_rule_ = true;
    return std::shared_ptr<const time_zone>{std::move(utc)};
  }
  std::ifstream file{std::string{directory}.append(name), std::ios::binary};
  byte_vector octets;
  octets.reserve(4'096);
  for (std::istreambuf_iterator<char> at{file}, end; at != end && octets.size() <= file_octets_max; ++at)
    octets.push_back(static_cast<std::uint8_t>(*at));
  if (octets.empty()) return fault{std::make_error_code(std::errc::no_such_file_or_directory), "time_zone"};
  return parse(octets);
}

result<std::shared_ptr<const time_zone>> time_zone::parse(bytes_view in) {
  if (in.size() > file_octets_max) return bad("size");
  const auto old = read_header(in);
  if (!old) return bad("header");
  const std::size_t second = header_octets + old->block_octets(4);
  if (in[4] < '2' || in.size() < second) return bad("version");
  in = in.subspan(second);
  const auto c = read_header(in);
  if (!c || c->types == 0 || in.size() < header_octets + c->block_octets(8)) return bad("counts");
  const auto* times = in.data() + header_octets;
  const auto* indices = times + std::size_t{c->transitions} * 8;
  const auto* types = indices + c->transitions;
  const auto offset_of = [&](std::size_t i) { return static_cast<std::int32_t>(load_big<std::uint32_t>(types + 6 * i)); };

  auto z = std::make_shared<time_zone>();
  z->first_offset_ = z->standard_ = offset_of(0);
  for (std::size_t i = 0; i < c->transitions; ++i) {
    if (indices[i] >= c->types) return bad("type");
    z->transitions_.push_back({static_cast<std::int64_t>(load_big<std::uint64_t>(times + 8 * i)), offset_of(indices[i])});
    z->standard_ = z->transitions_.back().offset;
  }
  if (!std::ranges::is_sorted(z->transitions_, {}, &transition::at)) return bad("transitions");
  auto footer = as_text(in.subspan(header_octets + c->block_octets(8)));
  if (footer.size() >= 2 && footer.front() == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    if (!footer.empty() && !rule_reader{footer}.read(*z)) return bad("rule");
  }
  return std::shared_ptr<const time_zone>{std::move(z)};
}

std::int64_t time_zone::moment(const change& c, std::int64_t year, std::int32_t offset) noexcept {
  std::int64_t day = 0;
  switch (c.how) {
    case change::kind::weekday_of_month: {
      const auto month = static_cast<unsigned>(c.month);
      const auto first = days_of(year, month, 1);
      const auto next_month = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
      const auto weekday = ((first + 4) % 7 + 7) % 7;  // 0 is Sunday, as in the rule
      day = first + (c.day - weekday + 7) % 7 + 7 * (c.week - 1);
      while (day >= next_month) day -= 7;
      break;
    }
    case change::kind::day_without_leap: {
      const bool leap = std::chrono::year{static_cast<int>(year)}.is_leap();
      day = days_of(year, 1, 1) + c.day - 1 + (leap && c.day >= 60 ? 1 : 0);
      break;
    }
    case change::kind::day_with_leap: day = days_of(year, 1, 1) + c.day; break;
  }
  return day * day_seconds + c.seconds - offset;
}

std::int32_t time_zone::offset_at(wall_time t) const noexcept {
  const auto at = seconds_of(t);
  if (!transitions_.empty() && (at < transitions_.back().at || !has_rule_)) {
    const auto after = std::ranges::upper_bound(transitions_, at, {}, &transition::at);
    return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
  }
  if (!has_daylight_) return standard_;
  const auto today = std::chrono::sys_days{std::chrono::days{(at + standard_) / day_seconds}};
  const auto year = static_cast<int>(std::chrono::year_month_day{today}.year());
  const auto begins = moment(begin_, year, standard_), ends = moment(end_, year, daylight_);
  const bool daylight = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
  return daylight ? daylight_ : standard_;
}

time_zone::local time_zone::at(wall_time t) const noexcept {
  const auto seconds = seconds_of(t) + offset_at(t);
  const auto day = seconds >= 0 ? seconds / day_seconds : (seconds - day_seconds + 1) / day_seconds;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  local out;
  out.day = static_cast<std::int32_t>(day);
  out.month = (static_cast<int>(date.year()) - 1970) * 12 + static_cast<std::int32_t>(static_cast<unsigned>(date.month())) - 1;
  out.minute = static_cast<std::uint32_t>((seconds - day * day_seconds) / 60);
  out.weekday = static_cast<std::uint32_t>(((day + 3) % 7 + 7) % 7);
  return out;
}

wall_time time_zone::next(wall_time t, std::uint32_t minute) const noexcept {
  const auto whole = std::chrono::floor<std::chrono::minutes>(t);
  const auto now = at(t).minute;
  const std::uint32_t wait = (minute + 1'440 - now) % 1'440;
  if (wait == 0) return t;
  const wall_time out = whole + std::chrono::minutes{wait};
  return out + std::chrono::seconds{offset_at(t) - offset_at(out)};  // clocks may be set in between
}

}  // namespace msgkit::engine
