#include "engine/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

#include "engine/text_fold.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint32_t weight_max = 1'000;
constexpr std::uint16_t day_minutes = 1'440;

void check(const route& r) {
  if (r.targets.empty() || r.targets.size() > route_targets_max)
    throw std::invalid_argument(
        fmt::format("route \"{}\": targets: {} is outside 1..{}", r.name, r.targets.size(), route_targets_max));
  if (r.destination_exact && r.destination.empty())
    throw std::invalid_argument(fmt::format("route \"{}\": destination: an exact match needs a number", r.name));
  if (r.hours.begin >= day_minutes || r.hours.end >= day_minutes)
    throw std::invalid_argument(fmt::format("route \"{}\": hours: outside 00:00..23:59", r.name));
  if ((r.hours.days & 0x7F) == 0)
    throw std::invalid_argument(fmt::format("route \"{}\": days: at least one is needed", r.name));
  if (r.quality_min > 100)
    throw std::invalid_argument(fmt::format("route \"{}\": quality_min: {} is outside 0..100", r.name, r.quality_min));
  if (!r.keyword.empty() && fold_word(r.keyword).empty())
    throw std::invalid_argument(fmt::format("route \"{}\": keyword: one word of 1..32 octets is needed", r.name));
  for (const auto& t : r.targets) {
    if (t.endpoint.empty()) throw std::invalid_argument(fmt::format("route \"{}\": endpoint: must not be empty", r.name));
    if (!(t.cost >= 0)) throw std::invalid_argument(fmt::format("route \"{}\": cost: {} is negative", r.name, t.cost));
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

// The index of `value` in `list`, where it is kept once.
template <class T>
std::uint32_t kept_once(std::vector<T>& list, T value) {
  // Routes come in runs that share what they share, and there are few different values.
  const auto at = std::find(list.rbegin(), list.rend(), value);
  if (at != list.rend()) return static_cast<std::uint32_t>(std::prev(at.base()) - list.begin());
  list.push_back(std::move(value));
  return static_cast<std::uint32_t>(list.size() - 1);
}

// The same for target sets, of which there may be as many as routes.
std::string signature(const route& r) {
  auto s = fmt::format("{}{}\n", r.cheapest_first ? 'c' : 'w', r.quality_min);
  for (const auto& t : r.targets) s += fmt::format("{}\n{}\n{}\n{}\n", t.endpoint, t.priority, t.weight, t.cost);
  return s;
}

}  // namespace

bool time_window::contains(wall_time t) const noexcept {
  static const time_zone utc;
  const auto now = (zone ? *zone : utc).at(t);
  const auto has = [this](std::uint32_t weekday) { return (days >> weekday & 1) != 0; };
  if (begin == end) return has(now.weekday);
  if (begin < end) return has(now.weekday) && now.minute >= begin && now.minute < end;
  return now.minute >= begin ? has(now.weekday) : now.minute < end && has((now.weekday + 6) % 7);
}

route_table::route_table(std::vector<route> routes) {
  for (const auto& r : routes) check(r);
  std::vector<std::uint32_t> order(routes.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, [&routes](std::uint32_t x, std::uint32_t y) {
    const route &a = routes[x], &b = routes[y];
    if (a.destination != b.destination) return a.destination < b.destination;
    if (a.destination_exact != b.destination_exact) return a.destination_exact;
    if (a.media_only != b.media_only) return a.media_only;
    if (a.account.empty() != b.account.empty()) return b.account.empty();
    if (a.source_prefix.size() != b.source_prefix.size()) return a.source_prefix.size() > b.source_prefix.size();
    if (a.keyword.empty() != b.keyword.empty()) return b.keyword.empty();
    const bool a_timed = a.hours != time_window{}, b_timed = b.hours != time_window{};
    return a_timed && !b_timed;
  });
  std::size_t octets = 0;
  for (const auto& r : routes) octets += r.name.size() + r.source_prefix.size() + r.destination.size();
  text_.reserve(octets);
  rules_.reserve(routes.size());
  nodes_.reserve(routes.size());
  const auto keep = [this](const std::string& s) {
    const piece p{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(s.size())};
    text_ += s;
    return p;
  };
  std::unordered_map<std::string, std::uint32_t> sets;
  std::unordered_map<std::string, std::uint32_t> texts;
  const auto keep_text = [&](std::string s) {
    const auto [at, fresh] = texts.emplace(s, static_cast<std::uint32_t>(texts_.size()));
    if (fresh) texts_.push_back(std::move(s));
    return at->second;
  };
  std::vector<std::int32_t> open;  // the chain of patterns that are prefixes of the current one
  for (const auto index : order) {
    route& r = routes[index];
    if (nodes_.empty() || text(nodes_.back().pattern) != r.destination) {
      while (!open.empty() && !std::string_view{r.destination}.starts_with(text(nodes_[static_cast<std::size_t>(open.back())].pattern)))
        open.pop_back();
      nodes_.push_back({keep(r.destination), static_cast<std::uint32_t>(rules_.size()), 0, open.empty() ? -1 : open.back()});
      open.push_back(static_cast<std::int32_t>(nodes_.size() - 1));
    }
    ++nodes_.back().count;
    rule made{.name = keep(r.name), .source_prefix = keep(r.source_prefix), .exact = r.destination_exact,
              .media_only = r.media_only};
    if (!r.account.empty()) made.account = keep_text(r.account);
    if (!r.keyword.empty()) made.keyword = keep_text(fold_word(r.keyword));
    reads_keywords_ = reads_keywords_ || !r.keyword.empty();
    if (r.hours != time_window{}) made.hours = kept_once(hours_, r.hours);
    const auto [at, fresh] = sets.emplace(signature(r), static_cast<std::uint32_t>(target_sets_.size()));
    if (fresh) target_sets_.push_back({std::move(r.targets), r.cheapest_first, r.quality_min});
    reads_quality_ = reads_quality_ || r.quality_min != 0;
    made.targets = at->second;
    rules_.push_back(made);
  }
  for (const auto& set : target_sets_)
    if (set.targets.size() > 1)
      for (const auto& t : set.targets) with_alternative_.insert(t.endpoint);
}

const route_table::rule* route_table::match_at(const node& n, bool exact, const route_query& q) const {
  for (std::uint32_t i = n.first; i < n.first + n.count; ++i) {
    const rule& r = rules_[i];
    if (r.exact && !exact) continue;
    if (r.media_only && !q.is_media) continue;
    if (r.account != none && texts_[r.account] != q.account) continue;
    if (!q.source.starts_with(text(r.source_prefix))) continue;
    if (r.keyword != none && texts_[r.keyword] != q.keyword) continue;
    if (r.hours != none && !hours_[r.hours].contains(q.now)) continue;
    return &r;
  }
  return nullptr;
}

route_choice route_table::choose(const route_query& q) const {
  route_choice out;
  const auto after = std::ranges::upper_bound(nodes_, q.destination, {}, [this](const node& n) { return text(n.pattern); });
  if (after == nodes_.begin()) return out;
  // The pattern just before the number's place shares its longest stored prefix with it, possibly up the chain.
  const rule* best = nullptr;
  for (std::int32_t at = static_cast<std::int32_t>(after - nodes_.begin()) - 1; at >= 0 && best == nullptr;) {
    const node& n = nodes_[static_cast<std::size_t>(at)];
    if (q.destination.starts_with(text(n.pattern))) best = match_at(n, n.pattern.size == q.destination.size(), q);
    at = n.parent;
  }
  if (best == nullptr) return out;

  out.name_ = text(best->name);
  struct candidate {
    std::uint32_t priority;
    double cost, draw;
    auto operator<=>(const candidate&) const = default;
  };
  std::array<candidate, route_targets_max> candidates{};
  const auto& set = target_sets_[best->targets];
  out.quality_min_ = set.quality_min;
  for (const auto& t : set.targets) {  // insertion: there are a handful at most
    const candidate c{t.priority, set.cheapest_first ? t.cost : 0,
                      set.targets.size() == 1 ? 0.0 : draw(q.seed, out.count_, t.weight)};
    std::size_t at = out.count_++;
    for (; at > 0 && candidates[at - 1] > c; --at) {
      candidates[at] = candidates[at - 1];
      out.targets_[at] = out.targets_[at - 1];
      out.costs_[at] = out.costs_[at - 1];
    }
    candidates[at] = c;
    out.targets_[at] = t.endpoint;
    out.costs_[at] = t.cost;
  }
  return out;
}

void route_choice::drop_dearer_than(double cost_max) noexcept {
  const auto before = count_;
  count_ = 0;
  for (std::size_t i = 0; i < before; ++i) {
    if (!(costs_[i] <= cost_max)) continue;
    targets_[count_] = targets_[i];
    costs_[count_++] = costs_[i];
  }
  too_dear_ = before != 0 && count_ == 0;
}

bool route_table::has_alternative(std::string_view endpoint) const { return with_alternative_.contains(endpoint); }

std::size_t route_table::memory() const noexcept {
  std::size_t octets = text_.capacity() + rules_.capacity() * sizeof(rule) + nodes_.capacity() * sizeof(node) +
                       hours_.capacity() * sizeof(time_window) + texts_.capacity() * sizeof(std::string);
  for (const auto& set : target_sets_) octets += sizeof(set) + set.targets.capacity() * sizeof(route_target);
  return octets;
}

}  // namespace msgkit::engine
