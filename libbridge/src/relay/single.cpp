// The part of the relay that lets one of several serve the rules that say `single`: a key of Redis that its holder
// renews.
#include "msgkit/bridge/relay/relay.hpp"
#include "relay/parts.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::string_view take_script =
    "local h=redis.call('GET',KEYS[1]) if h and h~=ARGV[1] then return 0 end "
    "redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) return 1";
constexpr std::string_view release_script =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0";

}  // namespace

void relay::pump_lock() {
  if (!has_single_ || draining_ || now_ < lock_at_) return;
  lock_at_ = now_ + options_.single_time / 3;
  auto* const at = writer_for(options_.single_lock);
  if (at == nullptr || lock_cookie_ != 0) return;
  const auto time = std::to_string(options_.single_time.count());
  lock_cookie_ = ++next_id_;
  lock_asked_ = now_;
  (void)at->session.command(words({"EVAL", take_script, "1", options_.single_lock, options_.consumer, time}),
                            lock_cookie_, now_);
}

// Held from the moment it was asked for: that is the latest at which Redis can have begun to count.
void relay::on_lock(const redis::event& e) {
  lock_cookie_ = 0;
  if (e.error || e.reply.is_error() || draining_ || !has_single_) return;
  const bool held = e.reply.integer() == 1;
  lock_until_ = held ? lock_asked_ + options_.single_time : never;
  hold_single(held);
}

void relay::hold_single(bool held) {
  if (!held) lock_until_ = never;
  if (std::exchange(holds_single_, held) == held) return;
  arrange_ = true;
  if (!has_channels_ || !home_ready_) return;
  subscribe_redis(is_cluster() ? link_to(link::subscriber, home_) : redis_of(link::subscriber));
}

void relay::release_single() {
  if (auto* const at = writer_for(options_.single_lock))
    (void)at->session.command(words({"EVAL", release_script, "1", options_.single_lock, options_.consumer}), 0, now_);
  holds_single_ = false;
  lock_until_ = never;
}

}  // namespace msgkit::bridge
