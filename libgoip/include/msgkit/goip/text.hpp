// Texts and numbers as they may go to a device, and as they come from one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "msgkit/core/result.hpp"

namespace msgkit::goip {

// What a device sent as text, fit for XML, JSON and databases: ill-formed UTF-8 becomes U+FFFD, control characters other
// than line feed and tab are left out, CR LF becomes LF.
std::string clean_text(std::string_view octets);

// Errors: text_too_long (more than sms_text_bytes_max octets), invalid_utf8; a NUL is forbidden_character.
result<void> check_sms_text(std::string_view text) noexcept;
// An optional '+', then 1..63 of digits, '*', '#'. Errors: invalid_destination.
result<void> check_destination(std::string_view number) noexcept;
// A code (digits, '*', '#', '+'), or with `is_choice` the answer to a menu: any text without control characters.
// 1..ussd_code_bytes_max octets. Errors: invalid_ussd_code.
result<void> check_ussd_code(std::string_view code, bool is_choice) noexcept;

// How many SMS the device will make of the text: ASCII 160, then 153 each; anything else 70, then 67 UTF-16 units each.
std::size_t count_parts(std::string_view utf8) noexcept;

}  // namespace msgkit::goip
