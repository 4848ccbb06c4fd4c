// The two clocks of msgkit. Sessions and drivers measure intervals on a steady clock; the engine and everything that
// is stored or shown uses wall-clock milliseconds. Neither is ever read below the net storey: callers pass `now`.
#pragma once

#include <chrono>

namespace msgkit {

using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

// "No deadline": compares later than every real one.
constexpr time_point never = time_point::max();

}  // namespace msgkit
