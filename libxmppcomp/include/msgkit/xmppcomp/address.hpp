// Telephone numbers and the names of senders as local parts of JIDs, and back.
#pragma once

#include <string>
#include <string_view>

#include "msgkit/core/result.hpp"

namespace msgkit::xmppcomp {

// How a gateway reads the number a user typed. The result is +<country code><number>, or a short code as it is.
struct number_rules {
  std::string country_code{};  // digits; makes 0<national number> international. Empty: national numbers are refused
  std::string trunk_prefix = "0";  // what stands before a national number; empty: nothing does
  std::size_t short_code_digits_min = 2;  // * and # count as digits
  std::size_t short_code_digits_max = 8;  // 0: short codes are refused
};

// The sender of a message as a local part that every server accepts: +<digits> and short codes as they are, 00<digits>
// as +<digits>; a name escaped and in lower case; ill-formed or forbidden characters as U+FFFD; an empty one is
// `unknown`. Never fails, never empty, never too long.
std::string local_of_sender(std::string_view sender);

// The number in a local part: unescaped, without blanks ( ) - . /, with 00 as +, national numbers made international.
// Errors: errc::number_invalid.
result<std::string> number_of_local(std::string_view local, const number_rules& rules = {});

}  // namespace msgkit::xmppcomp
