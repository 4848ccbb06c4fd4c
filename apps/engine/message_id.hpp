// The identity of a message: a 63-bit key that grows with time, and its public spelling as a UUIDv7.
// The key is the primary key of the store, so new rows are appended; nothing else ever needs an index on the id.
//
//   bit 62..22  milliseconds since 2020-01-01 (lasts until 2089)
//   bit 21..12  instance number, 0..1023: gateways that share one database differ here
//   bit 11..0   counter
//
// An id is a name, not a secret: whoever may see a message is decided by its account.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::engine {

class message_id {
 public:
  constexpr message_id() = default;
  constexpr explicit message_id(std::uint64_t key) noexcept : key_(key) {}

  // 1..2^63-1 for a message, 0 for "none".
  [[nodiscard]] constexpr std::uint64_t key() const noexcept { return key_; }
  constexpr explicit operator bool() const noexcept { return key_ != 0; }
  [[nodiscard]] wall_time time() const noexcept;

  // Lower-case UUIDv7, 36 characters, sorts as the key does. The random part of the format is computed from the key,
  // so both directions need no table.
  [[nodiscard]] std::string text() const;
  // Accepts either case. Errors: errc::malformed_id (not a UUID), errc::foreign_id (a UUID that no msgkit engine made).
  static result<message_id> parse(std::string_view text);

  friend constexpr auto operator<=>(message_id, message_id) = default;

 private:
  std::uint64_t key_ = 0;
};

// Hands out strictly increasing ids, also when the clock stands still or steps back. Deterministic.
class id_source {
 public:
  static constexpr std::uint32_t instance_max = 1023;
  explicit id_source(std::uint32_t instance = 0) noexcept : instance_(instance & instance_max) {}

  message_id next(wall_time now) noexcept;
  // Every later id is greater than `used` (called with what the store holds, after a restart).
  void advance_past(message_id used) noexcept;
  [[nodiscard]] message_id last() const noexcept { return message_id{last_}; }

 private:
  std::uint32_t instance_;
  std::uint64_t last_ = 0;
};

// The smallest id a message made at `at` can have; bounds scans by time.
message_id first_id_at(wall_time at) noexcept;

}  // namespace msgkit::engine

template <>
struct std::hash<msgkit::engine::message_id> {
  std::size_t operator()(msgkit::engine::message_id id) const noexcept {
    return static_cast<std::size_t>((id.key() ^ id.key() >> 29) * 0x9E3779B97F4A7C15u);
  }
};
