#include "engine/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint32_t weight_max = 1'000;

void check(const route& r) {
  if (r.targets.empty() || r.targets.size() > route_targets_max)
    throw std::invalid_argument(
        fmt::format("route \"{}\": targets: {} is outside 1..{}", r.name, r.targets.size(), route_targets_max));
  if (r.destination_exact && r.destination.empty())
    throw std::invalid_argument(fmt::format("route \"{}\": destination: an exact match needs a number", r.name));
  for (const auto& t : r.targets) {
    if (t.endpoint.empty()) throw std::invalid_argument(fmt::format("route \"{}\": endpoint: must not be empty", r.name));
    if (t.weight < 1 || t.weight > weight_max)
      throw std::invalid_argument(
          fmt::format("route \"{}\": weight: {} is outside 1..{}", r.name, t.weight, weight_max));
  }
}

// Weighted order without replacement: each target draws -ln(u)/weight and the smallest goes first.
double draw(std::uint64_t seed, std::size_t index, std::uint32_t weight) {
  const double unit = (static_cast<double>(mix(seed ^ mix(index)) >> 11) + 1.0) / static_cast<double>(1ull << 53);
  return -std::log(unit) / weight;
}

}  // namespace

route_table::route_table(std::vector<route> routes) : routes_(std::move(routes)) {
  for (const auto& r : routes_) {
    check(r);
    if (r.targets.size() > 1)
      for (const auto& t : r.targets) with_alternative_.insert(t.endpoint);
  }
  order_.resize(routes_.size());
  std::iota(order_.begin(), order_.end(), 0u);
  std::ranges::stable_sort(order_, [this](std::uint32_t x, std::uint32_t y) {
    const route &a = routes_[x], &b = routes_[y];
    if (a.destination != b.destination) return a.destination < b.destination;
    if (a.destination_exact != b.destination_exact) return a.destination_exact;
    if (a.account.empty() != b.account.empty()) return b.account.empty();
    return a.source_prefix.size() > b.source_prefix.size();
  });
  std::vector<std::int32_t> open;  // the chain of patterns that are prefixes of the current one
  for (std::uint32_t i = 0; i < order_.size(); ++i) {
    const std::string_view pattern = routes_[order_[i]].destination;
    if (!nodes_.empty() && nodes_.back().pattern == pattern) {
      ++nodes_.back().count;
      continue;
    }
    while (!open.empty() && !pattern.starts_with(nodes_[static_cast<std::size_t>(open.back())].pattern)) open.pop_back();
    nodes_.push_back({pattern, i, 1, open.empty() ? -1 : open.back()});
    open.push_back(static_cast<std::int32_t>(nodes_.size() - 1));
  }
}

const route* route_table::match_at(const node& n, bool exact, std::string_view source, std::string_view account) const {
  for (std::uint32_t i = n.first; i < n.first + n.count; ++i) {
    const route& r = routes_[order_[i]];
    if (r.destination_exact && !exact) continue;
    if (!r.account.empty() && r.account != account) continue;
    if (source.starts_with(r.source_prefix)) return &r;
  }
  return nullptr;
}

route_choice route_table::choose(std::string_view destination, std::string_view source, std::string_view account,
                                 std::uint64_t seed) const {
  route_choice out;
  const auto after = std::ranges::upper_bound(nodes_, destination, {}, &node::pattern);
  if (after == nodes_.begin()) return out;
  // The pattern just before the number's place shares its longest stored prefix with it, possibly up the chain.
  const route* best = nullptr;
  for (std::int32_t at = static_cast<std::int32_t>(after - nodes_.begin()) - 1; at >= 0 && best == nullptr;) {
    const node& n = nodes_[static_cast<std::size_t>(at)];
    if (destination.starts_with(n.pattern)) best = match_at(n, n.pattern.size() == destination.size(), source, account);
    at = n.parent;
  }
  if (best == nullptr) return out;

  out.name_ = best->name;
  struct candidate {
    std::uint32_t priority;
    double draw;
  };
  std::array<candidate, route_targets_max> candidates{};
  for (const auto& t : best->targets) {  // insertion: there are a handful at most
    const candidate c{t.priority, best->targets.size() == 1 ? 0.0 : draw(seed, out.count_, t.weight)};
    std::size_t at = out.count_++;
    for (; at > 0; --at) {
      const candidate& before = candidates[at - 1];
      if (before.priority < c.priority || (before.priority == c.priority && before.draw <= c.draw)) break;
      candidates[at] = before;
      out.targets_[at] = out.targets_[at - 1];
    }
    candidates[at] = c;
    out.targets_[at] = t.endpoint;
  }
  return out;
}

bool route_table::has_alternative(std::string_view endpoint) const { return with_alternative_.contains(endpoint); }

}  // namespace msgkit::engine
