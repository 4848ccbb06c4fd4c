// How many of the latest messages an endpoint has delivered: of all, and by the country of the recipient. In memory,
// bounded, and the same for the same sequence of results.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <string_view>

namespace msgkit::engine {

class quality_window {
 public:
  static constexpr std::size_t results_max = 200;  // looked at
  static constexpr std::size_t results_min = 20;   // fewer say nothing

  void add(bool delivered) noexcept {
    if (count_ == results_max) delivered_ -= results_[next_] ? 1u : 0u;
    else ++count_;
    results_[next_] = delivered;
    delivered_ += delivered ? 1u : 0u;
    next_ = (next_ + 1) % results_max;
  }
  [[nodiscard]] bool says_something() const noexcept { return count_ >= results_min; }
  [[nodiscard]] bool is_below(std::uint32_t percent) const noexcept {
    return says_something() && delivered_ * 100 < percent * count_;
  }

 private:
  std::bitset<results_max> results_;
  std::size_t next_ = 0, count_ = 0, delivered_ = 0;
};

class quality_record {
 public:
  // `number`: digits; those of no country count for the endpoint alone.
  void add(std::string_view number, bool delivered);
  // By the country where that says something, else by the endpoint.
  [[nodiscard]] bool is_below(std::uint32_t percent, std::string_view number) const;

 private:
  quality_window all_;
  std::map<std::string_view, quality_window> by_country_;  // keys are of the table of countries, hence bounded
};

// A poor endpoint gets one of so many messages all the same, so that it can show that it is better again.
constexpr std::uint64_t quality_tries = 25;

}  // namespace msgkit::engine
