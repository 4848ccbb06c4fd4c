#include "msggw/directory/rewrite_of.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace msgkit::app {
namespace {

engine::number_rewrite change_of(const number_change& c) { return {c.country, c.strip, c.add, c.replace}; }

engine::rewrite_origin origin_of(rewrite_direction d) {
  using o = engine::rewrite_origin;
  return d == rewrite_direction::from_clients    ? o::clients
         : d == rewrite_direction::from_carriers ? o::carriers
                                                 : o::any;
}

// "08:00-18:00"
bool read_hours(std::string_view text, engine::time_window& out) {
  const auto clock = [](std::string_view t) -> int {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (t.size() != 5 || t[2] != ':' || !digit(t[0]) || !digit(t[1]) || !digit(t[3]) || !digit(t[4])) return -1;
    const int hour = (t[0] - '0') * 10 + (t[1] - '0'), minute = (t[3] - '0') * 10 + (t[4] - '0');
    return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
  };
  if (text.size() != 11 || text[5] != '-') return false;
  const int begin = clock(text.substr(0, 5)), end = clock(text.substr(6));
  if (begin < 0 || end < 0) return false;
  out.begin = static_cast<std::uint16_t>(begin);
  out.end = static_cast<std::uint16_t>(end);
  return true;
}

bool read_window(const rewrite& r, engine::time_window& out, std::string& why) {
  constexpr std::array<std::string_view, 7> names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  if (!r.hours.empty() && !read_hours(r.hours, out)) {
    why = "hours: " + r.hours + " is not like 08:00-18:00";
    return false;
  }
  if (!r.days.empty()) out.days = 0;
  for (const auto& day : r.days) {
    const auto at = std::ranges::find(names, std::string_view{day});
    if (at == names.end()) {
      why = "days: " + day + " is none of mon, tue, wed, thu, fri, sat, sun";
      return false;
    }
    out.days = static_cast<std::uint8_t>(out.days | 1u << (at - names.begin()));
  }
  if (out == engine::time_window{}) return true;  // always: no zone is needed
  auto zone = engine::time_zone::load(r.timezone);
  if (zone) out.zone = *std::move(zone);
  else why = "timezone: " + r.timezone + " is no time zone of this machine";
  return why.empty();
}

}  // namespace

bool read_rule(const rewrite& r, engine::rewrite_rule& out, std::string& why) {
  out.name = r.name;
  out.origin = origin_of(r.direction);
  out.account = r.account;
  out.carrier = r.carrier;
  out.source = r.source;
  out.destination = r.destination;
  out.keyword = r.keyword;
  out.text_begins = r.text_begins;
  out.tag = r.tag;
  out.new_source = change_of(r.new_source);
  out.new_destination = change_of(r.new_destination);
  out.text_prefix = r.text_prefix;
  out.text_suffix = r.text_suffix;
  out.text_find = r.text_find;
  out.text_replace = r.text_replace;
  out.set_tag = r.set_tag;
  out.validity = std::chrono::seconds{r.validity_secs};
  out.route_to = r.route_to;
  out.drop = r.drop;
  out.stop = r.stop;
  if (r.charset == "gsm7") out.charset = engine::text_charset::gsm7;
  if (r.charset == "ucs2") out.charset = engine::text_charset::ucs2;
  if (!r.priority.empty()) out.priority = static_cast<std::uint8_t>(r.priority[0] - '0');
  if (!r.refuse.empty()) {
    out.refuse = engine::refusal_of_rule(r.refuse);
    if (!out.refuse) {
      why = "refuse: must be one of blocked, no_route, invalid, queue_full";
      return false;
    }
  }
  if (!read_window(r, out.hours, why)) return false;
  try {
    std::vector<engine::rewrite_rule> alone;
    alone.push_back(out);
    (void)engine::rewrite_rules{std::move(alone)};
  } catch (const std::invalid_argument& e) {
    why = e.what();
    return false;
  }
  return true;
}

}  // namespace msgkit::app
