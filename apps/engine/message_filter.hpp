// Which messages somebody looks for, and a slice of what was found. Searching reads rows of the store one after the
// other, newest first, on the engine's thread; a slice is bounded so that traffic goes on between two of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/message.hpp"

namespace msgkit::engine {

struct message_filter {
  std::string account{};                // it came from there, or went or goes there
  std::string source{}, destination{};  // whole numbers, as messages carry them
  std::optional<message_state> state{};
  std::optional<message_kind> kind{};
  wall_time since{}, until{};  // accepted then: since <= t < until; the epoch is no limit

  [[nodiscard]] bool matches(const message& m) const {
    return (account.empty() || m.content->account == account || m.progress.endpoint == account) &&
           (source.empty() || m.content->source.value == source) &&
           (destination.empty() || m.content->destination.value == destination) &&
           (!state || m.progress.state == *state) && (!kind || m.content->kind == *kind);
  }
};

struct message_slice {
  std::vector<message> found{};
  message_id next{};  // goes on before this one; none when everything has been looked at
};
constexpr std::size_t slice_rows_max = 500;  // read for one slice

}  // namespace msgkit::engine
