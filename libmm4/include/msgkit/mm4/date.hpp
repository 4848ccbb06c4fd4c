// Dates and expiry as MM4 peers write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "msgkit/core/time.hpp"

namespace msgkit::mm4 {

// RFC 2822 with or without the day's name and with obsolete zone names, RFC 3339, asctime with or without a zone, and
// what JavaScript prints. A date without a zone is UTC. Nothing when it is none of these.
std::optional<wall_time> parse_date(std::string_view text) noexcept;
// "Sat, 21 Nov 2026 05:00:00 +0000".
std::string format_date(wall_time t);

using expiry = std::variant<std::chrono::seconds, wall_time>;  // from the message's date on, or a moment
// Seconds, or any date as above.
std::optional<expiry> parse_expiry(std::string_view text) noexcept;
// The moment a message of `date` (or, without one, received now) expires.
wall_time expiry_moment(const expiry& e, wall_time date);

}  // namespace msgkit::mm4
