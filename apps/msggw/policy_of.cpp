#include "msggw/policy_of.hpp"

namespace msgkit::app {
namespace {

engine::usage_limits limits_of(const usage_limits& l, bool both) {
  return {.burst = l.burst,
          .day = l.daily,
          .month = l.monthly,
          .counts = both ? engine::usage_direction::both : engine::usage_direction::sent};
}

}  // namespace

std::shared_ptr<const engine::policy> policy_of(const directory_snapshot& managed) {
  std::map<std::string, engine::account_rules, std::less<>> accounts;
  for (const auto& [id, c] : managed.all<client>()) {
    auto& rules = accounts["client:" + c->username];
    rules.limits = limits_of(c->settings.sms, c->settings.limit_both);
    if (auto zone = engine::time_zone::load(c->timezone)) rules.zone = *std::move(zone);
  }
  for (const auto& [id, n] : managed.all<client_number>()) {
    const auto owner = managed.find<client>(n->client_id);
    const auto limits = limits_of(n->settings.sms, n->settings.limit_both);
    if (owner && limits.any()) accounts["client:" + owner->username].numbers[n->number] = limits;
  }
  return std::make_shared<const engine::policy>(std::move(accounts), std::vector<engine::number_pool>{});
}

}  // namespace msgkit::app
