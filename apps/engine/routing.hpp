// Which endpoints may take a message. Immutable: a reload builds a new table and swaps the pointer.
// Thread-safe because it never changes. Costs about 50 octets a route beyond the text of its pattern and name: what
// routes have in common (targets, accounts, time windows) is kept once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/time_zone.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::engine {

struct route_target {
  std::string endpoint{};       // "carrier:NAME" or "client:NAME"
  std::uint32_t priority = 0;   // lowest first
  std::uint32_t weight = 1;     // share among targets of the same priority (and cost), 1..1000
  double cost = 0;              // of one segment, in any unit all routes share, thousandths where prices count; see route::cheapest_first
  friend bool operator==(const route_target&, const route_target&) = default;
};

// Local hours of some days of the week.
struct time_window {
  std::uint8_t days = 0x7F;          // bit 0 is Monday
  std::uint16_t begin = 0, end = 0;  // minutes of the day; equal: all of it; begin > end: over midnight, of the day it begins
  std::shared_ptr<const time_zone> zone{};  // null: UTC
  friend bool operator==(const time_window&, const time_window&) = default;
  [[nodiscard]] bool contains(wall_time t) const noexcept;
};

// A route matches when everything it names matches. Between routes that match, the most specific destination wins
// (exact, then longest prefix), then one for media alone, then one that names an account, then the longest source prefix, then one with a keyword,
// then one with a time window, then the earlier one.
struct route {
  std::string name{};
  std::string destination{};    // digits as they appear in the address; empty: every destination
  bool destination_exact = false;  // false: `destination` is a prefix
  std::string source_prefix{};  // empty: every source
  std::string account{};        // empty: every account
  std::vector<route_target> targets{};  // 1..route_targets_max
  std::string keyword{};        // the first word of the text, in any case; empty: every text
  time_window hours{};          // the default: always
  bool cheapest_first = false;  // among targets of the same priority: by cost, and only then by weight
  bool media_only = false;      // for messages of kind mms alone
  std::uint32_t quality_min = 0;  // percent of an endpoint's latest results that must be deliveries, else it goes last
};
constexpr std::size_t route_targets_max = 8;

struct route_query {
  std::string_view destination{}, source{}, account{};
  std::string_view keyword{};   // folded (text_fold.hpp)
  wall_time now{};
  std::uint64_t seed = 0;       // decides among weights: the same seed gives the same order
  bool is_media = false;
};

// Endpoints in the order to try. Views into the table that made it.
class route_choice {
 public:
  [[nodiscard]] std::span<const std::string_view> endpoints() const noexcept { return {targets_.data(), count_}; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::string_view route_name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t quality_min() const noexcept { return quality_min_; }
  // A route matched, and no target was within the price.
  [[nodiscard]] bool is_too_dear() const noexcept { return too_dear_; }
  void drop_dearer_than(double cost_max) noexcept;
  // Those of which `is_poor(endpoint)` holds go behind the others.
  template <class F>
  void put_last(F&& is_poor) {
    std::stable_partition(targets_.begin(), targets_.begin() + static_cast<std::ptrdiff_t>(count_),
                          [&](std::string_view name) { return !is_poor(name); });
  }

 private:
  friend class route_table;
  std::array<std::string_view, route_targets_max> targets_{};
  std::array<double, route_targets_max> costs_{};  // in step with the targets until put_last()
  std::size_t count_ = 0;
  std::string_view name_{};
  std::uint32_t quality_min_ = 0;
  bool too_dear_ = false;
};

class route_table {
 public:
  // Throws std::invalid_argument naming route, field and allowed range.
  explicit route_table(std::vector<route> routes);
  route_table(const route_table&) = delete;
  route_table& operator=(const route_table&) = delete;

  // Cost: one binary search over the distinct destinations plus one step per stored prefix of the number. Empty when no
  // route matches.
  [[nodiscard]] route_choice choose(const route_query& q) const;
  [[nodiscard]] route_choice choose(std::string_view destination, std::string_view source, std::string_view account,
                                    std::uint64_t seed) const {
    return choose(route_query{.destination = destination, .source = source, .account = account, .seed = seed});
  }

  // False when no route gives messages for this endpoint anywhere else to go.
  [[nodiscard]] bool has_alternative(std::string_view endpoint) const;
  [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }
  // Whether the answer may depend on text or time.
  [[nodiscard]] bool reads_keywords() const noexcept { return reads_keywords_; }
  // Whether a route has a floor of quality.
  [[nodiscard]] bool reads_quality() const noexcept { return reads_quality_; }
  // What the table holds beside itself, in octets.
  [[nodiscard]] std::size_t memory() const noexcept;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  struct piece {  // of text_
    std::uint32_t at = 0, size = 0;
  };
  struct rule {
    piece name, source_prefix;
    std::uint32_t account = none, keyword = none, hours = none;  // into texts_, texts_ and hours_
    std::uint32_t targets = 0;                                   // into target_sets_
    bool exact = false, media_only = false;
  };
  struct node {  // one distinct destination pattern
    piece pattern;
    std::uint32_t first = 0, count = 0;   // into rules_
    std::int32_t parent = -1;             // longest proper prefix that is also a pattern
  };
  struct target_set {
    std::vector<route_target> targets;
    bool cheapest_first = false;
    std::uint32_t quality_min = 0;
    friend bool operator==(const target_set&, const target_set&) = default;
  };
  [[nodiscard]] std::string_view text(piece p) const noexcept { return std::string_view{text_}.substr(p.at, p.size); }
  const rule* match_at(const node& n, bool exact, const route_query& q) const;

  std::string text_;                  // patterns, names and source prefixes, one behind the other
  std::vector<std::string> texts_;    // accounts and keywords
  std::vector<time_window> hours_;
  std::vector<target_set> target_sets_;
  std::vector<rule> rules_;           // grouped by pattern, most specific first
  std::vector<node> nodes_;           // sorted by pattern
  std::unordered_set<std::string_view> with_alternative_;
  bool reads_keywords_ = false, reads_quality_ = false;
};

}  // namespace msgkit::engine
