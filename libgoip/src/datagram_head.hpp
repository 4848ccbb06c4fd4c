// How every datagram begins: a verb, ':' or ' ', and a number.
#pragma once

#include <string_view>

#include "msgkit/core/result.hpp"

namespace msgkit::goip {

enum class datagram_shape : std::uint8_t { fields, words };

struct datagram_head {
  datagram_shape shape{};
  std::string_view verb{};
  std::string_view number{};    // digits, optional '-'; fits 64 bits
  std::string_view rest{};      // behind the number, its separator included
};

// Errors: no_verb, invalid_number.
result<datagram_head> read_head(std::string_view datagram) noexcept;

// Without closing NULs and one closing line end.
std::string_view trim_end(std::string_view text) noexcept;

// The number of a conversation, 0..INT32_MAX. Errors: invalid_number.
result<std::uint32_t> to_send_id(std::string_view digits) noexcept;

bool is_verb(std::string_view text) noexcept;
bool has_control(std::string_view text) noexcept;

}  // namespace msgkit::goip
