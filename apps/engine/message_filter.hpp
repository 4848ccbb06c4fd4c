// Which messages somebody looks for, and a slice of what was found. Searching reads rows of the store, newest first, on the
// engine's thread: by a number those that the store's index names, else one after the other. A slice is bounded so that
// traffic goes on between two of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/message.hpp"

namespace msgkit::engine {

struct message_filter {
  std::string account{};                // it came from there, or went or goes there
  std::string source{}, destination{};  // whole numbers, as messages carry them
  std::string party{};                  // digits: sender or recipient, with a plus or without
  std::optional<message_state> state{};
  std::optional<message_kind> kind{};
  wall_time since{}, until{};  // accepted then: since <= t < until; the epoch is no limit

  // The number to look for in an index: of both the recipient's, who has fewer messages. Empty: none.
  [[nodiscard]] const std::string& number() const noexcept {
    return !party.empty() ? party : !destination.empty() ? destination : source;
  }

  [[nodiscard]] bool matches(const message& m) const {
    return (account.empty() || m.content->account == account || m.progress.endpoint == account) &&
           (party.empty() || is_party(m.content->source) || is_party(m.content->destination)) &&
           (source.empty() || m.content->source.value == source) &&
           (destination.empty() || m.content->destination.value == destination) &&
           (!state || m.progress.state == *state) && (!kind || m.content->kind == *kind);
  }

  [[nodiscard]] bool is_party(const address& a) const {
    std::string_view number = a.value;
    if (number.starts_with('+')) number.remove_prefix(1);
    return number == party;
  }
};

struct message_slice {
  std::vector<message> found{};
  std::size_t rows = 0;   // looked at
  message_id next{};  // goes on before this one; none when everything has been looked at
};
constexpr std::size_t slice_rows_max = 500;  // read for one slice

}  // namespace msgkit::engine
