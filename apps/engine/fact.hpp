// Facts: small things that must survive beside the messages and change in the same transaction as they do: ids already
// seen, idempotency keys, counters of usage, opt-outs, parts that wait for the others. The store knows nothing of what
// they mean; the core reads those that a batch needs before it is applied (store::look_up) and hands back what changed.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"

namespace msgkit::engine {

struct fact {
  std::string value{};
  wall_time expires{};  // the epoch: never
  friend bool operator==(const fact&, const fact&) = default;
};

// The first octet of a key; stored, so never reused.
enum class fact_space : char {
  duplicate = 'd',    // account, id: a message with this id came already
  idempotency = 'i',  // account, key: what was answered
  usage = 'u',        // account, direction, number: counters
  opt_out = 'o',      // pool, number: does not want messages
  reply = 'r',        // pool, number: when we answered by ourselves
  parts = 'p',        // account, source, destination, reference: parts of a long message
  erasure = 'e',      // id: a number that is to be forgotten
  credit = 'c',       // account: money paid before; and what belongs to it, see credit.hpp
  hold = 'h',         // account, message
  settlement = 's',   // account, message
  ledger = 'l',       // account, number of the entry
  top_up = 't',       // account, reference
};

// Parts before the last one come from configuration and hold no NUL, which ends each of them; so one prefix is one
// range of keys.
inline std::string fact_key(fact_space space, std::initializer_list<std::string_view> parts) {
  std::string key(1, static_cast<char>(space));
  std::size_t left = parts.size();
  for (const auto part : parts) {
    key.append(part);
    if (--left > 0) key.push_back('\0');
  }
  return key;
}
// The least octet string above all that begin with `prefix`, whose last octet is never 0xff.
inline std::string fact_range_end(std::string_view prefix) {
  std::string end{prefix};
  ++end.back();
  return end;
}
constexpr std::size_t fact_key_octets_max = 1'024;

// The views are valid while the call they are given to lasts.
struct fact_change {
  std::string_view key;
  const fact* now = nullptr;  // null: it is gone
};

}  // namespace msgkit::engine
