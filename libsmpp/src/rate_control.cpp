#include "msgkit/smpp/rate_control.hpp"

#include <algorithm>

namespace msgkit::smpp {
namespace {

using seconds = std::chrono::duration<double>;
constexpr std::chrono::seconds one_second{1};
constexpr double share_gained_per_second = 0.05;

}  // namespace

rate_control::rate_control(const rate_options& options) : options_(options), pause_(options.pause) {
  set_rate(options_.per_second);
  step_ = options_.increase > 0 ? options_.increase : options_.per_second * share_gained_per_second;
}

void rate_control::set_rate(double per_second) noexcept {
  rate_ = per_second;
  interval_ = per_second > 0 ? std::chrono::duration_cast<duration>(seconds(1 / per_second)) : duration::zero();
}

time_point rate_control::ready_at(time_point now) const noexcept {
  if (now < paused_until_) return paused_until_;
  if (rate_ <= 0) return now;
  return next_ - std::max<duration>(options_.burst - interval_, duration::zero());
}

void rate_control::take(time_point now, std::uint64_t count) noexcept {
  if (rate_ > 0) next_ = std::max(next_, now) + interval_;
  if (!options_.follows_peer) return;
  if (now - second_ >= one_second) {
    in_last_second_ = now - second_ < 2 * one_second ? in_second_ : 0;
    in_second_ = 0;
    second_ = now - second_ < 2 * one_second ? second_ + one_second : now;
  }
  in_second_ += count;
}

// The last whole second counts for as much of it as the present one is still short of.
double rate_control::sent_per_second(time_point now) const noexcept {
  const double passed = std::clamp(seconds(now - second_).count(), 0.0, 1.0);
  return static_cast<double>(in_second_) + static_cast<double>(in_last_second_) * (1 - passed);
}

void rate_control::on_throttled(time_point now) noexcept {
  if (!options_.follows_peer || is_paused(now)) return;
  const double refused = rate_ > 0 ? rate_ : std::max(sent_per_second(now), options_.per_second_min);
  if (options_.per_second <= 0) {
    if (rate_ <= 0) lifted_at_ = 2 * refused;
    if (options_.increase <= 0 && rate_ <= 0) step_ = std::max(refused * share_gained_per_second, 0.1);
  }
  set_rate(std::max(refused * options_.decrease, std::min(options_.per_second_min, refused)));
  paused_until_ = now + pause_;
  pause_ = std::min<duration>(2 * pause_, options_.pause_max);
  grown_at_ = next_ = paused_until_;
  ++decreases_;
}

void rate_control::on_accepted(time_point now) noexcept {
  if (decreases_ == 0 || rate_ <= 0 || is_paused(now) || now < grown_at_ + one_second) return;
  // A whole second without a complaint: the peer has calmed down.
  pause_ = options_.pause;
  const auto passed = std::min(seconds(now - grown_at_).count(), 10.0);  // growth is for those who send
  grown_at_ = now;
  const double grown = rate_ + step_ * passed;
  if (options_.per_second > 0) return set_rate(std::min(grown, options_.per_second));
  set_rate(grown < lifted_at_ ? grown : 0);
}

}  // namespace msgkit::smpp
