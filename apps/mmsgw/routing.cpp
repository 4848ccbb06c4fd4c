#include "mmsgw/routing.hpp"

#include <algorithm>
#include <tuple>

#include "mmsgw/addressing.hpp"

namespace msgkit::app::mms {
namespace {

bool is_for(const mms_route& r, std::string_view from) {
  return r.from == from || (r.from.empty() && from != application_name);
}
bool begins(std::string_view number, const std::string& prefix) {
  return digits_of(number).starts_with(digits_of(prefix));
}

}  // namespace

const mms_route* route_list::find(std::string_view from, const destination& d) const {
  const auto* found = d.routing.empty() ? nullptr : best(from, d.routing, d.network);
  return found != nullptr ? found : best(from, d.number, d.network);
}

const mms_route* route_list::best(std::string_view from, std::string_view number, std::string_view network) const {
  const mms_route* best = nullptr;
  const auto rank = [](const mms_route& r) { return std::tuple(!r.network.empty(), digits_of(r.prefix).size()); };
  for (const auto& r : routes_) {
    const bool fits = is_for(r, from) && begins(number, r.prefix) && (r.network.empty() || r.network == network);
    if (fits && (best == nullptr || rank(*best) < rank(r))) best = &r;
  }
  return best;
}

bool route_list::covers(std::string_view from, std::string_view number) const {
  return std::ranges::any_of(routes_, [&](const mms_route& r) { return is_for(r, from) && begins(number, r.prefix); });
}

bool route_list::names(std::string_view from) const {
  return std::ranges::any_of(routes_, [&](const mms_route& r) { return r.from == from; });
}

std::uint64_t gateway_prices::of(const destination& d) const {
  if (const auto at = by_network.find(d.network); at != by_network.end()) return at->second;
  auto price = d.routing.empty() ? std::nullopt : by_prefix.of(d.routing);
  if (!price) price = by_prefix.of(d.number);
  return price.value_or(cost);
}

std::optional<std::size_t> pick(std::span<const candidate> all) {
  const auto rank = [](const candidate& c) { return std::tuple(c.is_resting, c.is_suspect, c.in_flight); };
  const auto works = [](const candidate& c) { return !c.is_resting && !c.is_suspect; };
  std::optional<std::size_t> last_resort;
  std::optional<std::uint64_t> tried;
  for (;;) {
    std::optional<std::uint64_t> cost;  // the next higher one
    for (const auto& c : all)
      if ((!tried || c.cost > *tried) && (!cost || c.cost < *cost)) cost = c.cost;
    if (!cost) return last_resort;
    std::optional<std::size_t> best;
    bool is_worth_waiting = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& c = all[i];
      if (c.cost != *cost) continue;
      is_worth_waiting = is_worth_waiting || (works(c) && c.is_full && !c.overflows);
      if (!c.is_full && (!best || rank(c) < rank(all[*best]))) best = i;
    }
    if (best && works(all[*best])) return best;
    if (!last_resort) last_resort = best;
    if (is_worth_waiting) return last_resort;
    tried = cost;
  }
}

}  // namespace msgkit::app::mms
