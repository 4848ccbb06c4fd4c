#include "msggw/policy_of.hpp"

#include <set>

#include "msggw/media/mm4_directory.hpp"

namespace msgkit::app {
namespace {

engine::usage_limits limits_of(const usage_limits& l, bool both) {
  return {.burst = l.burst,
          .day = l.daily,
          .month = l.monthly,
          .counts = both ? engine::usage_direction::both : engine::usage_direction::sent};
}

using rules_by_account = std::map<std::string, engine::account_rules, std::less<>>;

rules_by_account rules_of(const rules_config& fixed, const directory_snapshot& managed) {
  static const auto no_prices = std::make_shared<const engine::price_list>(std::vector<engine::price_list::price>{});
  rules_by_account out;
  for (const auto& [id, c] : managed.all<client>()) {
    const auto limits = limits_of(c->settings.sms, c->settings.limit_both);
    if (limits.any()) out["client:" + c->username].limits = limits;
    if (c->settings.disable_message_splitting) out["client:" + c->username].whole_messages = true;
    const auto mms = limits_of(c->settings.mms, c->settings.limit_both);
    if (mms.any()) out["client:" + c->username].mms_limits = mms;
    if (const auto& list = c->settings.price_list; !list.empty()) {
      auto& rules = out["client:" + c->username];
      const auto found = fixed.price_lists.find(list);
      rules.prices = found == fixed.price_lists.end() ? no_prices : found->second;  // unknown: nothing is sent for free
      rules.prepaid = c->settings.prepaid;
      rules.refund_failed = c->settings.refund_failed;
      if (c->settings.keep_margin)
        rules.margin = {.percent = c->settings.margin_percent, .amount = c->settings.margin};
    }
    if (c->erase_text) out["client:" + c->username].erase_text = true;
  }
  for (const auto& [id, n] : managed.all<client_number>()) {
    const auto owner = managed.find<client>(n->client_id);
    const auto limits = limits_of(n->settings.sms, n->settings.limit_both);
    if (owner && limits.any()) out["client:" + owner->username].numbers[n->number] = limits;
    const auto mms = limits_of(n->settings.mms, n->settings.limit_both);
    if (owner && mms.any()) out["client:" + owner->username].mms_numbers[n->number] = mms;
    if (owner && n->ignore_stop_cmd_sending) out["client:" + owner->username].no_stop_notices.insert(n->number);
  }
  for (const auto& [id, c] : managed.all<client>()) {
    const auto found = out.find("client:" + c->username);
    if (found == out.end()) continue;
    if (auto zone = engine::time_zone::load(c->timezone)) found->second.zone = *std::move(zone);
    if (has_mm4(*c)) out[mm4_endpoint_of(*c)] = found->second;
  }
  return out;
}

// A number that answers by itself, unless it is to send no notices, is a pool of one, without keywords, unless the
// configuration has put it into one.
void add_replying_numbers(const directory_snapshot& managed, const std::string& default_message,
                          std::vector<engine::number_pool>& pools) {
  std::set<std::string, std::less<>> taken;
  for (const auto& p : pools) taken.insert(p.numbers.begin(), p.numbers.end());
  for (const auto& [id, n] : managed.all<client_number>()) {
    const auto& s = n->settings;
    const auto& text = s.auto_reply_message.empty() ? default_message : s.auto_reply_message;
    if (!s.auto_reply_enabled || n->ignore_stop_cmd_sending || text.empty() || taken.contains(n->number)) continue;
    pools.push_back({.name = replying_pool(n->number),
                     .numbers = {n->number},
                     .auto_reply = text,
                     .reply_pause = std::chrono::seconds{s.auto_reply_cooldown_secs}});
  }
}

}  // namespace

std::string replying_pool(const std::string& number) { return "number " + number; }

std::shared_ptr<const engine::policy> policy_of(const rules_config& fixed, const directory_snapshot& managed,
                                                const auto_reply_config& replies) {
  auto all = fixed;
  all.accounts.merge(rules_of(fixed, managed));  // what is there stays
  if (replies.enabled) add_replying_numbers(managed, replies.default_message, all.pools);
  return all.make();
}

}  // namespace msgkit::app
