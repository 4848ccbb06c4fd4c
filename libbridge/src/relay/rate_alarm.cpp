#include "msgkit/bridge/relay/rate_alarm.hpp"

#include <algorithm>
#include <utility>

namespace msgkit::bridge {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t high_min = 5;

}  // namespace

void rate_alarm::close_second() {
  const auto usual = std::max<std::uint64_t>(options_.rate_min, options_.factor * sum_ / minute);
  const bool high = options_.factor != 0 && seen_ == minute && current_ > usual;
  high_ = high ? high_ + 1 : 0;
  if (!high || high_ > minute) {
    sum_ += current_;
    sum_ -= std::exchange(seconds_[at_], current_);
    at_ = (at_ + 1) % minute;
    seen_ = std::min<std::uint32_t>(seen_ + 1, minute);
  }
  current_ = 0;
}

void rate_alarm::count(time_point now) {
  if (second_ == time_point{}) second_ = now;
  for (std::size_t i = 0; now >= second_ + 1s; ++i) {
    if (i == 2 * minute) {  // all is long forgotten
      second_ = now;
      break;
    }
    close_second();
    second_ += 1s;
  }
  ++current_;
}

bool rate_alarm::is_raised(time_point now) const noexcept { return high_ >= high_min && now < second_ + 2s; }

}  // namespace msgkit::bridge
