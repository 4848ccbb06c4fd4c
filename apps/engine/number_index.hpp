// Finding messages by the number they came from or went to: what the stores keep beside the messages for that. An entry
// is a hash and an id, so no number stands there in clear; who asks compares the numbers themselves.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "engine/message.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {

// Of a number as messages carry it; one with a plus and the same without are one.
inline std::int64_t number_key(std::string_view number) noexcept {
  if (number.starts_with('+')) number.remove_prefix(1);
  std::uint64_t h = number.size();
  for (const char c : number) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return static_cast<std::int64_t>(mix(h));
}

struct number_entry {
  std::int64_t number = 0;
  message_id id{};
  friend auto operator<=>(const number_entry&, const number_entry&) = default;
};

// Those of one message: of its sender and of its recipient.
inline std::array<number_entry, 2> number_entries(message_id id, const message_content& c) noexcept {
  return {number_entry{number_key(c.source.value), id}, number_entry{number_key(c.destination.value), id}};
}

// Days since 2020-01-01 of the id's time. Entries lie together by day: new ones touch few pages, old ones go as they
// are.
constexpr std::int64_t number_day(message_id id) noexcept {
  constexpr std::uint64_t milliseconds_a_day = 86'400'000;
  return static_cast<std::int64_t>((id.key() >> 22) / milliseconds_a_day);
}

// Ids that the index knows all messages of: from <= id < before.
struct number_span {
  message_id from{}, before{};
  [[nodiscard]] bool empty() const noexcept { return from >= before; }
};
constexpr message_id greatest_id{static_cast<std::uint64_t>(INT64_MAX)};

}  // namespace msgkit::engine
