// Counting what a client or a number has used, in segments: the last minute, today, this month. The counter is a fact
// (fact.hpp), so it changes in the transaction that accepts the message, survives restarts and holds across instances.
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/fact.hpp"
#include "engine/time_zone.hpp"

namespace msgkit::engine {

enum class usage_direction : std::uint8_t { sent, received, both };

struct usage_limits {
  std::uint64_t burst = 0, day = 0, month = 0;       // segments; 0: no limit
  usage_direction counts = usage_direction::sent;    // which messages count and are held back
  [[nodiscard]] bool any() const noexcept { return burst != 0 || day != 0 || month != 0; }
  friend bool operator==(const usage_limits&, const usage_limits&) = default;
};

enum class usage_period : std::uint8_t { burst, day, month };
constexpr std::string_view name(usage_period p) noexcept {
  return p == usage_period::burst ? "burst" : p == usage_period::day ? "day" : "month";
}

struct usage_counter {
  std::int64_t minute = 0;                 // since the epoch
  std::uint64_t this_minute = 0, last_minute = 0;
  std::int32_t day = 0, month = 0;         // of the zone's calendar, as time_zone::local has them
  std::uint64_t today = 0, this_month = 0;
  friend bool operator==(const usage_counter&, const usage_counter&) = default;
};

// The stored form; one that does not read counts as empty: a client is not shut out by a damaged row.
std::string encode(const usage_counter& c);
usage_counter decode_usage(std::string_view octets);

// The counter as it stands at `now`: periods that are over start from zero. A clock that steps back changes nothing.
usage_counter roll(usage_counter c, const time_zone& zone, wall_time now);
// Of the last sixty seconds, from two minutes of the clock: the earlier one in proportion to what is left of it.
std::uint64_t burst_of(const usage_counter& c, wall_time now);
// The first limit that `segments` more would exceed. `c` is rolled.
std::optional<usage_period> exceeded(const usage_counter& c, const usage_limits& l, std::uint64_t segments, wall_time now);
void charge(usage_counter& c, std::uint64_t segments);
// When a counter that is written now has nothing more to say.
wall_time usage_expiry(wall_time now);

}  // namespace msgkit::engine
