// Local time of an IANA zone, read from the system's compiled zone files (RFC 8536). Needed because limits count days
// and quiet hours end by the clock on somebody's wall; the standard library of our compiler has no zones yet.
// Immutable, hence thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::engine {

class time_zone {
 public:
  // "Europe/Stockholm", "UTC". Reads one file. Errors: invalid_argument for a name that is none, otherwise the system's.
  static result<std::shared_ptr<const time_zone>> load(std::string_view name);
  // A zone file's octets. Errors: invalid_argument with the field.
  static result<std::shared_ptr<const time_zone>> parse(bytes_view octets);

  // Seconds east of UTC at that moment.
  [[nodiscard]] std::int32_t offset_at(wall_time at) const noexcept;

  struct local {
    std::int32_t day = 0;    // since 1970-01-01, by the local calendar
    std::int32_t month = 0;  // since January 1970
    std::uint32_t minute = 0;  // of the day, 0..1439
    std::uint32_t weekday = 0; // 0 is Monday
  };
  [[nodiscard]] local at(wall_time t) const noexcept;
  // The next moment, not before `t`, at which local clocks show `minute` of a day.
  [[nodiscard]] wall_time next(wall_time t, std::uint32_t minute) const noexcept;

 private:
  // One end of daylight saving time, as POSIX writes it: "M3.5.0/2".
  struct change {
    enum class kind : std::uint8_t { weekday_of_month, day_without_leap, day_with_leap } how = kind::weekday_of_month;
    std::int32_t month = 1, week = 1, day = 0;
    std::int32_t seconds = 7'200;  // after local midnight
  };
  struct transition {
    std::int64_t at;  // seconds since the epoch
    std::int32_t offset;
  };
  friend class rule_reader;
  [[nodiscard]] static std::int64_t moment(const change& c, std::int64_t year, std::int32_t offset) noexcept;

  std::int32_t first_offset_ = 0;
  std::vector<transition> transitions_;
  // What holds after the last transition.
  std::int32_t standard_ = 0, daylight_ = 0;
  bool has_daylight_ = false, has_rule_ = false;
  change begin_, end_;
};

}  // namespace msgkit::engine
