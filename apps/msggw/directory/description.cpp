#include "msggw/directory/description.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>

#include "engine/number.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app::accepts {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether the text has the shape of the model, in which '0' stands for a digit.
bool has_shape(std::string_view text, std::string_view model) {
  return text.size() == model.size() && std::equal(text.begin(), text.end(), model.begin(),
                                                   [](char c, char m) { return m == '0' ? is_digit(c) : c == m; });
}

}  // namespace

bool name(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view("_-.@").find(c) != std::string_view::npos;
  });
}

bool digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool address_range(std::string_view text) { return ip_ranges::parse({std::string(text)}).has_value(); }

bool host_port(std::string_view text) { return read_host_port(text, 1).has_value(); }

bool http_url(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const auto host = text.substr(scheme.size());
    const auto end = std::min(host.find_first_of("/?#"), host.size());
    return end > 0 && std::ranges::all_of(text, [](char c) { return c > ' ' && c != 0x7F; }) &&
           host.substr(0, end).find('@') == std::string_view::npos;  // credentials have fields of their own
  }
  return false;
}

bool time_zone(std::string_view text) {
  if (text == "UTC") return true;
  const bool is_plain = std::ranges::all_of(text, [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view("_-+/").find(c) != std::string_view::npos;
  });
  if (!is_plain || text.empty() || !is_letter(text.front())) return false;
  std::error_code error;
  return std::filesystem::is_regular_file("/usr/share/zoneinfo/" + std::string(text), error);
}

bool language(std::string_view text) {
  constexpr std::string_view names[]{"turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada",
                                     "malayalam", "oriya", "punjabi", "tamil", "telugu", "urdu"};
  return std::ranges::find(names, text) != std::end(names);
}
bool country(std::string_view text) { return text.empty() || engine::find_country(text) != nullptr; }

bool date_time(std::string_view text) {
  constexpr std::string_view model = "0000-00-00T00:00:00";
  if (!has_shape(text.substr(0, model.size()), model)) return false;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(at, count)) value = value * 10 + (c - '0');
    return value;
  };
  const int month = number(5, 2), day = number(8, 2);
  if (month < 1 || month > 12 || day < 1 || day > 31 || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60)
    return false;
  auto rest = text.substr(model.size());
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const auto fraction = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (fraction == 0) return false;
    rest.remove_prefix(fraction);
  }
  return rest == "Z" || has_shape(rest, "+00:00") || has_shape(rest, "-00:00");
}

}  // namespace msgkit::app::accepts

namespace msgkit::app {

std::optional<wall_time> read_date_time(std::string_view text) {
  if (!accepts::date_time(text)) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(at, count)) value = value * 10 + (c - '0');
    return value;
  };
  using namespace std::chrono;
  const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                            day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok()) return std::nullopt;
  wall_time at = sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + seconds{number(17, 2)};
  if (text.back() == 'Z') return at;
  const auto zone = text.size() - 6;  // "+hh:mm"
  const auto offset = hours{number(zone + 1, 2)} + minutes{number(zone + 4, 2)};
  return text[zone] == '-' ? at + offset : at - offset;
}

bool is_past(std::string_view date_time) {
  const auto at = read_date_time(date_time);
  // In nanoseconds, the clock's own, years beyond 2262 would wrap around into the past.
  return at && *at <= std::chrono::floor<wall_time::duration>(std::chrono::system_clock::now());
}

std::optional<host_port> read_host_port(std::string_view text, std::uint16_t usual_port) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return std::nullopt;
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':';
  };
  if (host.empty() || !std::ranges::all_of(host, is_fine)) return std::nullopt;
  if (port.empty()) return host_port{std::string(host), usual_port};
  std::uint16_t number = 0;
  const auto* const end = port.data() + port.size();
  const auto read = std::from_chars(port.data() + 1, end, number);
  if (read.ec != std::errc{} || read.ptr != end || number == 0) return std::nullopt;
  return host_port{std::string(host), number};
}

}  // namespace msgkit::app
