#include "msggw/policy_of.hpp"

namespace msgkit::app {
namespace {

engine::usage_limits limits_of(const usage_limits& l, bool both) {
  return {.burst = l.burst,
          .day = l.daily,
          .month = l.monthly,
          .counts = both ? engine::usage_direction::both : engine::usage_direction::sent};
}

using rules_by_account = std::map<std::string, engine::account_rules, std::less<>>;

rules_by_account rules_of(const directory_snapshot& managed) {
  rules_by_account out;
  for (const auto& [id, c] : managed.all<client>()) {
    const auto limits = limits_of(c->settings.sms, c->settings.limit_both);
    if (limits.any()) out["client:" + c->username].limits = limits;
    const auto mms = limits_of(c->settings.mms, c->settings.limit_both);
    if (mms.any()) out["client:" + c->username].mms_limits = mms;
    if (c->erase_text) out["client:" + c->username].erase_text = true;
  }
  for (const auto& [id, n] : managed.all<client_number>()) {
    const auto owner = managed.find<client>(n->client_id);
    const auto limits = limits_of(n->settings.sms, n->settings.limit_both);
    if (owner && limits.any()) out["client:" + owner->username].numbers[n->number] = limits;
    const auto mms = limits_of(n->settings.mms, n->settings.limit_both);
    if (owner && mms.any()) out["client:" + owner->username].mms_numbers[n->number] = mms;
  }
  for (const auto& [id, c] : managed.all<client>()) {
    const auto found = out.find("client:" + c->username);
    if (found == out.end()) continue;
    if (auto zone = engine::time_zone::load(c->timezone)) found->second.zone = *std::move(zone);
  }
  return out;
}

}  // namespace

std::shared_ptr<const engine::policy> policy_of(const rules_config& fixed, const directory_snapshot& managed) {
  auto all = fixed;
  all.accounts.merge(rules_of(managed));  // what is there stays
  return all.make();
}

}  // namespace msgkit::app
