// Which endpoints may take a message. Immutable: a reload builds a new table and swaps the pointer.
// Thread-safe because it never changes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "msgkit/core/result.hpp"

namespace msgkit::engine {

struct route_target {
  std::string endpoint{};       // "carrier:NAME" or "client:NAME"
  std::uint32_t priority = 0;   // lowest first
  std::uint32_t weight = 1;     // share among targets of the same priority, 1..1000
};

// A route matches when everything it names matches. Between routes that match, the most specific destination wins
// (exact, then longest prefix), then one that names an account, then the longest source prefix, then the earlier one.
struct route {
  std::string name{};
  std::string destination{};    // digits as they appear in the address; empty: every destination
  bool destination_exact = false;  // false: `destination` is a prefix
  std::string source_prefix{};  // empty: every source
  std::string account{};        // empty: every account
  std::vector<route_target> targets{};  // 1..route_targets_max
};
constexpr std::size_t route_targets_max = 8;

// Endpoints in the order to try. Views into the table that made it.
class route_choice {
 public:
  [[nodiscard]] std::span<const std::string_view> endpoints() const noexcept { return {targets_.data(), count_}; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::string_view route_name() const noexcept { return name_; }

 private:
  friend class route_table;
  std::array<std::string_view, route_targets_max> targets_{};
  std::size_t count_ = 0;
  std::string_view name_{};
};

class route_table {
 public:
  // Throws std::invalid_argument naming route, field and allowed range.
  explicit route_table(std::vector<route> routes);
  route_table(const route_table&) = delete;
  route_table& operator=(const route_table&) = delete;

  // `seed` decides among weights: the same seed gives the same order. Cost: one binary search over the distinct
  // destinations plus one step per stored prefix of the number. Empty when no route matches.
  [[nodiscard]] route_choice choose(std::string_view destination, std::string_view source, std::string_view account,
                                    std::uint64_t seed) const;

  // False when no route gives messages for this endpoint anywhere else to go.
  [[nodiscard]] bool has_alternative(std::string_view endpoint) const;
  [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

 private:
  struct node {  // one distinct destination pattern
    std::string_view pattern;
    std::uint32_t first = 0, count = 0;   // into order_
    std::int32_t parent = -1;             // longest proper prefix that is also a pattern
  };
  const route* match_at(const node& n, bool exact, std::string_view source, std::string_view account) const;

  std::vector<route> routes_;
  std::vector<std::uint32_t> order_;  // route indices, grouped by pattern, most specific first
  std::vector<node> nodes_;           // sorted by pattern
  std::unordered_set<std::string_view> with_alternative_;
};

}  // namespace msgkit::engine
