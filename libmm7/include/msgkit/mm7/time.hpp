// xs:dateTime and xs:duration as MM7 peers write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "msgkit/core/time.hpp"

namespace msgkit::mm7 {

// "2002-04-15T14:35:21-05:00", Z, fractions, or no zone, which is UTC.
std::optional<wall_time> parse_date_time(std::string_view text) noexcept;
// UTC with "Z", whole seconds.
std::string format_date_time(wall_time t);

// relativeOrAbsoluteDate: a moment, or "P90D", "PT1H30M" with a year of 365.25 days and a month of 30.
using relative_or_absolute = std::variant<std::chrono::seconds, wall_time>;
std::optional<relative_or_absolute> parse_relative_or_absolute(std::string_view text) noexcept;
std::string format(const relative_or_absolute& t);

}  // namespace msgkit::mm7
