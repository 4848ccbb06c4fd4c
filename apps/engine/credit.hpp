// Money that an account has paid before: how much there is, what is held for messages on their way, and what happened
// to it. Kept as facts (fact.hpp), so that a hold stands in the transaction that accepts its message, and a charge
// once, over gateways and crashes. Amounts are those of price_list.hpp. Pure functions.
//
//   accept    available (balance - held) >= price of all segments: held += price
//   end       held -= price; charged: balance -= price. Given back when it failed for good and the account's rules
//             say so, and always when it was withdrawn
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/fact.hpp"
#include "engine/message.hpp"

namespace msgkit::engine {

struct credit_state {
  std::int64_t balance = 0;  // what is held is still in it
  std::uint64_t held = 0;
  std::uint64_t entries = 0;  // of the ledger so far
  [[nodiscard]] std::int64_t available() const noexcept { return balance - static_cast<std::int64_t>(held); }
  friend bool operator==(const credit_state&, const credit_state&) = default;
};

enum class ledger_kind : std::uint8_t { top_up, hold, charge, refund };  // stored, append only
constexpr std::string_view name(ledger_kind k) noexcept {
  constexpr std::string_view names[]{"top-up", "hold", "charge", "refund"};
  return names[static_cast<std::size_t>(k)];
}
constexpr std::size_t ledger_kind_count = 4;

struct ledger_entry {
  std::uint64_t number = 0;  // 1, 2, ... of the account
  wall_time at{};
  ledger_kind kind = ledger_kind::top_up;
  std::int64_t amount = 0;   // a correction may be negative
  std::int64_t balance = 0;  // after it
  std::uint64_t held = 0;
  message_id message{};  // of none: a top-up
  std::string note{};    // the reference of a top-up, the state a message ended in
  friend bool operator==(const ledger_entry&, const ledger_entry&) = default;
};
constexpr std::size_t ledger_note_octets_max = 128;
constexpr std::int64_t top_up_max = 1'000'000'000'000'000;

// What is held for one message.
struct credit_hold {
  std::uint64_t amount = 0;
  friend bool operator==(const credit_hold&, const credit_hold&) = default;
};

std::string credit_key(std::string_view account);
std::string ledger_key(std::string_view account, std::uint64_t number);
std::string hold_key(std::string_view account, message_id id);
std::string settlement_key(std::string_view account, message_id id);
std::string top_up_key(std::string_view account, std::string_view reference);
// Of a hold's key or a settlement's.
struct credit_subject {
  std::string account{};
  message_id id{};
};
std::optional<credit_subject> read_credit_key(std::string_view key);

// The stored forms. What does not read is as if there were nothing: no credit, no hold.
std::string encode(const credit_state& c);
credit_state decode_credit(std::string_view octets);
std::string encode(const credit_hold& h);
credit_hold decode_hold(std::string_view octets);
std::string encode(const ledger_entry& e);
std::optional<ledger_entry> decode_ledger(std::string_view key, std::string_view octets);
std::string encode_settlement(message_state s);
message_state decode_settlement(std::string_view octets);

// Entries and references of top-ups are kept so long.
constexpr std::chrono::hours ledger_kept{400 * 24};

}  // namespace msgkit::engine
