// Recognises what this bridge has sent itself, where nothing else marks it: raw payloads on channels, MQTT 3.1.1,
// shared subscriptions. It remembers a keyed hash of name and payload for a few seconds, and an arrival with the same
// hash uses up one of them. So it can swallow a message that somebody else sends at that time with equal name and
// payload. Not thread-safe: owned by one relay.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "msgkit/core/time.hpp"

namespace msgkit::bridge {

struct echo_filter_options {
  std::array<std::uint64_t, 2> key{};  // random, so that nobody can choose payloads that collide
  std::chrono::milliseconds keep{5'000};
  std::size_t entries_max = 100'000;  // beyond, what is sent is not remembered and its echo passes
};

class echo_filter {
 public:
  enum class side : std::uint8_t { mqtt, redis };
  explicit echo_filter(echo_filter_options options) : options_(options) {}

  void sent(side to, std::string_view name, std::string_view payload, time_point now);
  // True: take it for one of ours, which it uses up.
  [[nodiscard]] bool is_echo(side from, std::string_view name, std::string_view payload, time_point now);
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

 private:
  struct entry {
    std::uint32_t open = 0;  // sent and not come back
    std::uint32_t used = 0;  // came back, and still in order_
  };
  struct sending {
    time_point until{};
    std::uint64_t hash = 0;
  };
  std::uint64_t hash_of(side s, std::string_view name, std::string_view payload);
  void forget(time_point now);

  echo_filter_options options_;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::deque<sending> order_;
  std::string scratch_;
};

// SipHash-2-4 (Aumasson and Bernstein, 2012).
std::uint64_t keyed_hash(const std::array<std::uint64_t, 2>& key, std::string_view octets) noexcept;

}  // namespace msgkit::bridge
