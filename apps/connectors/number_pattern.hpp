// An operator's regular expression (RE2, so it takes linear time) of the numbers that may be written to.
#pragma once

#include <functional>
#include <string>

namespace msgkit::app {

constexpr std::size_t number_pattern_octets_max = 255;

// It is searched for; ^ and $ bind it. Null when it is none; `why` then says so.
std::function<bool(const std::string& number)> number_pattern(const std::string& text, std::string& why);

}  // namespace msgkit::app
