// What the configuration says beyond routes: limits, lists, quiet hours, pools of numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "engine/policy.hpp"
#include "engine/routing.hpp"

namespace msgkit::app {

struct rules_config {
  std::map<std::string, engine::account_rules, std::less<>> accounts;
  std::vector<engine::number_pool> pools;
  engine::number_list block_to, block_from;
  std::map<std::string, std::shared_ptr<const engine::price_list>, std::less<>> price_lists;

  // Null when nothing is ruled. Throws std::invalid_argument as engine::policy does.
  [[nodiscard]] std::shared_ptr<const engine::policy> make() const;
};

// Mistakes go into the readers. Price lists come first: accounts name them.
void read_price_lists(config_reader& all, rules_config& out);
void read_account_rules(config_reader& r, const std::string& account, const std::vector<std::string>& numbers, rules_config& out);
void read_pools(config_reader& all, rules_config& out);
// keyword, days, hours, time_zone, cheapest_first of one route.
void read_route_conditions(config_reader& r, engine::route& route);

}  // namespace msgkit::app
