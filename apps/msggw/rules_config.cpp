#include "msggw/rules_config.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "engine/text_fold.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const engine::time_zone> read_zone(config_reader& r, std::string_view key) {
  const auto name = r.text(key, "UTC", 64);
  auto zone = engine::time_zone::load(name);
  if (zone) return *std::move(zone);
  r.fail(key, name + " is no time zone of this machine (see /usr/share/zoneinfo; package tzdata)");
  return nullptr;
}

engine::number_list read_list(config_reader& r, std::string_view key) {
  try {
    return engine::number_list{r.texts(key)};
  } catch (const std::invalid_argument& e) {
    r.fail(key, e.what());
    return {};
  }
}

// "22:00-06:30"
bool read_hours(std::string_view text, std::uint32_t& begin, std::uint32_t& end) {
  const auto clock = [](std::string_view t, std::uint32_t& minute) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (t.size() != 5 || t[2] != ':' || !digit(t[0]) || !digit(t[1]) || !digit(t[3]) || !digit(t[4])) return false;
    const auto number = [&](std::size_t at) { return static_cast<std::uint32_t>((t[at] - '0') * 10 + (t[at + 1] - '0')); };
    minute = number(0) * 60 + number(3);
    return number(0) < 24 && number(3) < 60;
  };
  return text.size() == 11 && text[5] == '-' && clock(text.substr(0, 5), begin) && clock(text.substr(6), end);
}

engine::usage_limits read_limits(config_reader r) {
  using d = engine::usage_direction;
  constexpr std::size_t most = 1'000'000'000;
  engine::usage_limits l;
  l.burst = r.size("burst", 0, 0, most);
  l.day = r.size("day", 0, 0, most);
  l.month = r.size("month", 0, 0, most);
  l.counts = r.choice<d>("counts", d::sent, {{"sent", d::sent}, {"received", d::received}, {"both", d::both}});
  return l;
}

void read_quiet_hours(config_reader r, engine::account_rules& rules) {
  const auto hours = r.text("hours", "", 11);
  if (hours.empty()) return;
  auto quiet = std::make_shared<engine::quiet_hours>();
  if (!read_hours(hours, quiet->begin, quiet->end)) r.fail("hours", hours + " is not like 21:00-08:00");
  quiet->zone = read_zone(r, "time_zone");
  for (auto& z : r.tables("zones")) quiet->zones.emplace_back(z.required_text("prefix", 16), read_zone(z, "time_zone"));
  std::erase_if(quiet->zones, [](const auto& z) { return z.second == nullptr; });
  rules.quiet = std::move(quiet);
}

engine::number_pool read_pool(config_reader r) {
  engine::number_pool pool;
  pool.name = r.required_text("name", 64);
  pool.numbers = r.texts("numbers");
  for (const auto& language : r.texts("languages", {"en"})) {
    if (const auto* set = engine::built_in_keywords(language)) pool.keywords.push_back(*set);
    else r.fail("languages", language + " has no keywords here; write them as [[pools.keywords]]");
  }
  for (auto& k : r.tables("keywords")) {
    engine::keyword_set set;
    set.language = k.text("language", "", 16);
    set.stop = k.texts("stop");
    set.start = k.texts("start");
    set.help = k.texts("help");
    set.stop_reply = k.text("stop_reply", "", 1'600);
    set.start_reply = k.text("start_reply", "", 1'600);
    set.help_reply = k.text("help_reply", "", 1'600);
    pool.keywords.insert(pool.keywords.begin(), std::move(set));  // before the built-in ones
  }
  pool.forward_keywords = r.flag("forward_keywords", true);
  pool.auto_reply = r.text("auto_reply", "", 1'600);
  pool.reply_pause = std::chrono::duration_cast<std::chrono::seconds>(r.time("reply_pause", 60s, 1s, 24h));
  pool.replies_per_day_max = r.u32("replies_per_day_max", 10, 1, 10'000);
  return pool;
}

void read_prices(config_reader& r, const rules_config& all, engine::account_rules& rules) {
  const auto list = r.text("price_list", "", 64);
  rules.prepaid = r.flag("prepaid", true);
  rules.refund_failed = r.flag("refund_failed", true);
  const bool keep_margin = r.flag("keep_margin", false);
  const engine::least_margin margin{.percent = r.number("margin_percent", 0, 0, 100),
                                    .amount = r.u32("margin", 0, 0, 1'000'000'000)};
  if (keep_margin) rules.margin = margin;
  if (keep_margin && list.empty()) r.fail("keep_margin", "needs a price_list");
  if (list.empty()) return;
  const auto found = all.price_lists.find(list);
  if (found == all.price_lists.end()) r.fail("price_list", list + " is none of [[price_lists]]");
  else rules.prices = found->second;
}

}  // namespace

void read_price_lists(config_reader& all, rules_config& out) {
  for (auto& row : all.tables("price_lists")) {
    const auto name = row.required_text("name", 64);
    std::vector<engine::price_list::price> prices;
    for (auto& p : row.tables("prices"))
      prices.push_back({.prefix = p.text("prefix", "", 15),
                        .per_segment = p.size("price", 0, 0, engine::price_list::price_max)});
    try {
      if (!out.price_lists.emplace(name, std::make_shared<const engine::price_list>(std::move(prices))).second)
        row.fail("name", name + " is used twice");
    } catch (const std::invalid_argument& e) {
      row.fail("prices", e.what());
    }
  }
}

void read_account_rules(config_reader& r, const std::string& account, const std::vector<std::string>& numbers,
                        rules_config& out) {
  engine::account_rules rules;
  rules.zone = read_zone(r, "time_zone");
  rules.limits = read_limits(r.table("limits"));
  const auto each = read_limits(r.table("number_limits"));
  for (const auto& n : numbers) rules.numbers[n] = each;
  rules.mms_limits = read_limits(r.table("mms_limits"));
  const auto each_mms = read_limits(r.table("mms_number_limits"));
  if (rules.mms_limits.any() || each_mms.any())
    for (const auto& n : numbers) rules.mms_numbers[n] = each_mms;
  rules.block_to = read_list(r, "block_to");
  rules.block_from = read_list(r, "block_from");
  rules.allow_to = read_list(r, "allow_to");
  rules.whole_messages = r.flag("whole_messages", false);
  rules.erase_text = r.flag("erase_text", false);
  read_quiet_hours(r.table("quiet_hours"), rules);
  if (account.starts_with("client:")) read_prices(r, out, rules);
  const bool any = rules.prices != nullptr || rules.limits.any() || each.any() || rules.mms_limits.any() || each_mms.any() || !rules.block_to.empty() || !rules.block_from.empty() ||
                   !rules.allow_to.empty() || rules.whole_messages || rules.erase_text || rules.quiet != nullptr;
  if (any) out.accounts[account] = std::move(rules);
}

void read_pools(config_reader& all, rules_config& out) {
  for (auto& row : all.tables("pools")) out.pools.push_back(read_pool(row));
  auto lists = all.table("lists");
  out.block_to = read_list(lists, "block_to");
  out.block_from = read_list(lists, "block_from");
  try {
    (void)out.make();
  } catch (const std::invalid_argument& e) {
    all.fail("pools", e.what());
  }
}

std::shared_ptr<const engine::policy> rules_config::make() const {
  if (accounts.empty() && pools.empty() && block_to.empty() && block_from.empty()) return nullptr;
  return std::make_shared<const engine::policy>(accounts, pools, block_to, block_from);
}

void read_route_conditions(config_reader& r, engine::route& route) {
  constexpr std::array<std::string_view, 7> names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  route.keyword = r.text("keyword", "", 32);
  if (!route.keyword.empty() && engine::fold_word(route.keyword).empty()) r.fail("keyword", "one word is needed");
  route.cheapest_first = r.flag("cheapest_first", false);
  route.quality_min = r.u32("quality_min", 0, 0, 100);
  const auto days = r.texts("days");
  if (!days.empty()) route.hours.days = 0;
  for (const auto& day : days) {
    const auto at = std::ranges::find(names, std::string_view{day});
    if (at == names.end()) r.fail("days", day + " is none of mon, tue, wed, thu, fri, sat, sun");
    else route.hours.days = static_cast<std::uint8_t>(route.hours.days | 1u << (at - names.begin()));
  }
  const auto hours = r.text("hours", "", 11);
  std::uint32_t begin = 0, end = 0;
  if (!hours.empty() && !read_hours(hours, begin, end)) r.fail("hours", hours + " is not like 08:00-18:00");
  route.hours.begin = static_cast<std::uint16_t>(begin);
  route.hours.end = static_cast<std::uint16_t>(end);
  if (r.has("time_zone")) route.hours.zone = read_zone(r, "time_zone");
}

}  // namespace msgkit::app
