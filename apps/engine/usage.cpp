#include "engine/usage.hpp"

#include <algorithm>

#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t version = 1;

std::int64_t minute_of(wall_time t) { return std::chrono::floor<std::chrono::minutes>(t).time_since_epoch().count(); }

}  // namespace

std::string encode(const usage_counter& c) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.signed_number(c.minute);
  w.number(c.this_minute);
  w.number(c.last_minute);
  w.signed_number(c.day);
  w.signed_number(c.month);
  w.number(c.today);
  w.number(c.this_month);
  return std::string{as_text(out)};
}

usage_counter decode_usage(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  const auto signed_number = [&in](std::string_view field) {
    const auto v = in.number(field);
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
  };
  usage_counter c;
  if (in.octet("version") != version) return {};
  c.minute = signed_number("minute");
  c.this_minute = in.number("this_minute");
  c.last_minute = in.number("last_minute");
  c.day = static_cast<std::int32_t>(signed_number("day"));
  c.month = static_cast<std::int32_t>(signed_number("month"));
  c.today = in.number("today");
  c.this_month = in.number("this_month");
  return in.failed() ? usage_counter{} : c;
}

usage_counter roll(usage_counter c, const time_zone& zone, wall_time now) {
  const auto minute = minute_of(now);
  if (minute > c.minute) {
    c.last_minute = minute == c.minute + 1 ? c.this_minute : 0;
    c.this_minute = 0;
    c.minute = minute;
  }
  const auto local = zone.at(now);
  if (local.day > c.day) {
    c.day = local.day;
    c.today = 0;
  }
  if (local.month > c.month) {
    c.month = local.month;
    c.this_month = 0;
  }
  return c;
}

std::uint64_t burst_of(const usage_counter& c, wall_time now) {
  const auto into = std::clamp<std::int64_t>((now.time_since_epoch() - std::chrono::minutes{c.minute}).count(), 0, 60'000);
  return c.this_minute + c.last_minute * static_cast<std::uint64_t>(60'000 - into) / 60'000;
}

std::optional<usage_period> exceeded(const usage_counter& c, const usage_limits& l, std::uint64_t segments, wall_time now) {
  if (l.burst != 0 && burst_of(c, now) + segments > l.burst) return usage_period::burst;
  if (l.day != 0 && c.today + segments > l.day) return usage_period::day;
  if (l.month != 0 && c.this_month + segments > l.month) return usage_period::month;
  return std::nullopt;
}

void charge(usage_counter& c, std::uint64_t segments) {
  c.this_minute += segments;
  c.today += segments;
  c.this_month += segments;
}

wall_time usage_expiry(wall_time now) { return now + std::chrono::hours{32 * 24}; }

}  // namespace msgkit::engine
