// The life cycle of a message. A rank never goes back, with the one exception that makes retries:
// sending -> queued. Everything else is a one-way street that ends in a final state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace msgkit::engine {

// The numbers are stored; append only.
enum class message_state : std::uint8_t {
  accepted,     // durable, not yet routed
  queued,       // waits for its endpoint, its schedule time or its next attempt
  sending,      // an attempt is recorded and may be on the wire
  sent,         // the next hop took it; a report may follow
  delivered,    // final: the recipient has it, as far as the next hop can tell
  undelivered,  // final: the carrier gave up, or our attempts are used up
  expired,      // final: validity ran out
  rejected,     // final: refused for good
  canceled,     // final: withdrawn before it was sent
  unknown,      // final: nobody can say (report said so, never came, or the attempt's outcome was lost)
};
constexpr std::size_t message_state_count = 10;

struct message_state_info {
  message_state state;
  std::string_view name;
  std::uint8_t rank;     // accepted 0 ... final 4
  std::uint8_t severity; // among the final states of segments the highest wins
};
constexpr std::array<message_state_info, message_state_count> message_state_table{{
    {message_state::accepted, "accepted", 0, 0},
    {message_state::queued, "queued", 1, 0},
    {message_state::sending, "sending", 2, 0},
    {message_state::sent, "sent", 3, 0},
    {message_state::delivered, "delivered", 4, 1},
    {message_state::undelivered, "undelivered", 4, 5},
    {message_state::expired, "expired", 4, 4},
    {message_state::rejected, "rejected", 4, 6},
    {message_state::canceled, "canceled", 4, 3},
    {message_state::unknown, "unknown", 4, 2},
}};

constexpr const message_state_info& info(message_state s) noexcept {
  return message_state_table[static_cast<std::size_t>(s)];
}
constexpr std::string_view name(message_state s) noexcept { return info(s).name; }
constexpr bool is_final(message_state s) noexcept { return info(s).rank == 4; }
constexpr bool may_follow(message_state from, message_state to) noexcept {
  if (from == message_state::sending && to == message_state::queued) return true;
  if (to == message_state::canceled && info(from).rank >= info(message_state::sending).rank) return false;
  return info(to).rank > info(from).rank;
}
constexpr message_state worse(message_state a, message_state b) noexcept {
  return info(b).severity > info(a).severity ? b : a;
}
constexpr std::optional<message_state> message_state_of(std::uint8_t value) noexcept {
  if (value >= message_state_count) return std::nullopt;
  return static_cast<message_state>(value);
}

static_assert([] {
  for (std::size_t i = 0; i < message_state_count; ++i)
    if (static_cast<std::size_t>(message_state_table[i].state) != i) return false;
  return true;
}());
static_assert(may_follow(message_state::sending, message_state::queued));
static_assert(!may_follow(message_state::sent, message_state::queued));
static_assert(!may_follow(message_state::delivered, message_state::undelivered));

}  // namespace msgkit::engine
