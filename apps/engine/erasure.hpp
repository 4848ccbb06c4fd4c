// What stays of a message when one of its numbers has to be forgotten: that there was one, when, and how it ended.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/message.hpp"

namespace msgkit::engine {

// "46700000001" -> "46*********": a country at most. What is no number becomes asterisks.
std::string erased_number(std::string_view number);

// The message without its text and what came with it, and with `number` (digits, no plus) masked where it stands:
// sender, recipient, reference, errors, trace. Nothing when the number is neither its sender's nor its recipient's.
std::optional<message> erase_number(const message& m, std::string_view number);

struct erasure_step {
  std::size_t erased = 0;
  std::size_t waiting = 0;  // on their way: to be asked again when they have ended
};

}  // namespace msgkit::engine
