// How a peer writes numbers, and which ones a gateway is for.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app::mms {

inline std::string_view digits_of(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  return number;
}

struct addressing {
  std::string dest_prefix{}, dest_suffix{}, origin_prefix{}, origin_suffix{};

  [[nodiscard]] std::string dest(const std::string& number) const { return written(number, dest_prefix, dest_suffix); }
  [[nodiscard]] std::string origin(const std::string& number) const {
    return written(number, origin_prefix, origin_suffix);
  }
  // Whether the peer means this recipient; it has only seen the number as we wrote it.
  [[nodiscard]] bool is_same(const std::string& number, std::string_view at_peer) const {
    return digits_of(number) == digits_of(at_peer) || digits_of(written(number, dest_prefix, "")) == digits_of(at_peer);
  }

 private:
  // A number with a plus sign is complete, and what is no number stays as it is.
  static std::string written(const std::string& number, const std::string& prefix, const std::string& suffix) {
    const auto digits = digits_of(number);
    if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return number;
    return (number.size() == digits.size() ? prefix : "") + number + suffix;
  }
};

// Empty lists allow everything. What is denied is not allowed again.
struct number_filter {
  std::vector<std::string> allowed{}, denied{};

  [[nodiscard]] bool takes(std::string_view number) const {
    const auto begins = [&](const std::string& prefix) { return digits_of(number).starts_with(digits_of(prefix)); };
    return !std::ranges::any_of(denied, begins) && (allowed.empty() || std::ranges::any_of(allowed, begins));
  }
};

}  // namespace msgkit::app::mms
