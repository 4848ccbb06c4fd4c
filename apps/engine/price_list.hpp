// What a segment costs, by the beginning of the number it goes to. Amounts are whole thousandths of a currency's unit,
// so that nothing is ever rounded. Immutable and thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace msgkit::engine {

class price_list {
 public:
  struct price {
    std::string prefix{};           // digits; empty: every number
    std::uint64_t per_segment = 0;  // thousandths, at most price_max
  };
  static constexpr std::uint64_t price_max = 1'000'000'000;

  // Throws std::invalid_argument for a prefix that is not digits or is there twice, and a price above price_max.
  explicit price_list(std::vector<price> prices) : prices_(std::move(prices)) {
    std::ranges::sort(prices_, {}, &price::prefix);
    for (std::size_t i = 0; i < prices_.size(); ++i) {
      const auto& p = prices_[i];
      const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
      if (!std::ranges::all_of(p.prefix, is_digit))
        throw std::invalid_argument("prefix " + p.prefix + " is not digits");
      if (p.per_segment > price_max) throw std::invalid_argument("the price of " + p.prefix + " is too high");
      if (i > 0 && prices_[i - 1].prefix == p.prefix)
        throw std::invalid_argument("prefix " + p.prefix + " is there twice");
    }
  }

  // By the longest prefix; nothing: this number has no price. A plus before the number does not matter.
  [[nodiscard]] std::optional<std::uint64_t> of(std::string_view number) const {
    if (number.starts_with('+')) number.remove_prefix(1);
    for (auto length = std::min(number.size(), digits_max) + 1; length-- > 0;) {
      const auto prefix = number.substr(0, length);
      const auto at = std::ranges::lower_bound(prices_, prefix, {}, &price::prefix);
      if (at != prices_.end() && at->prefix == prefix) return at->per_segment;
    }
    return std::nullopt;
  }
  [[nodiscard]] const std::vector<price>& prices() const noexcept { return prices_; }  // sorted by prefix

 private:
  static constexpr std::size_t digits_max = 15;
  std::vector<price> prices_;
};

// What of a price must stay when a route has been paid.
struct least_margin {
  double percent = 0;        // of the price, 0..100
  std::uint64_t amount = 0;  // thousandths
  // The most that a route may cost, in thousandths; below any cost where there is no price.
  [[nodiscard]] double cost_max(std::optional<std::uint64_t> price) const noexcept {
    return price ? static_cast<double>(*price) * (1 - percent / 100) - static_cast<double>(amount) : -1;
  }
};

}  // namespace msgkit::engine
