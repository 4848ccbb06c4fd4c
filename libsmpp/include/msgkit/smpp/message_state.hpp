// message_state values (SMPP 3.4 section 5.2.28, SMPP 5.0 section 4.7.15) and the words of delivery receipts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace msgkit::smpp {

enum class message_state : std::uint8_t {
  scheduled = 0,  // 5.0
  enroute = 1,
  delivered = 2,
  expired = 3,
  deleted = 4,
  undeliverable = 5,
  accepted = 6,
  unknown = 7,
  rejected = 8,
  skipped = 9,  // 5.0
};

// "DELIVRD" and so on, as Appendix B writes it. A value outside the list gives "UNKNOWN".
std::string_view stat_word(message_state state) noexcept;

// Reads Appendix B's words, their long forms and those seen in the wild (ACKED, BUFFRED, FAILED, ...), in any case.
std::optional<message_state> state_from_stat(std::string_view word) noexcept;

// No further state follows. Accepted counts as final, for that is how SMSCs use it at the end; scheduled and enroute do
// not, and neither do values outside the list.
bool is_final(message_state state) noexcept;

}  // namespace msgkit::smpp
