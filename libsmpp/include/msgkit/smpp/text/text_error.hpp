// Faults of the text part: alphabets, user data headers, segmentation, receipts and times.
#pragma once

#include <system_error>

namespace msgkit::smpp {

enum class text_errc {
  not_representable = 1,   // a character has no place in the requested alphabet; offset points into the UTF-8 text
  not_text,                // the data coding says 8-bit data, which has no characters
  compressed,              // compressed text of 3GPP TS 23.042, which nobody decodes
  charset_unavailable,     // the C library has no converter for this charset
  class_unavailable,       // no data_coding octet expresses this alphabet together with a message class
  header_exceeds_payload,  // UDHL + 1 is larger than the user data
  element_exceeds_header,  // an information element runs past UDHL
  header_too_long,         // information elements do not fit a user data header
  no_room,                 // headers leave no room for a single character
  too_many_parts,          // more parts than the limit (at most 255)
  text_too_long,           // longer than the carrying field
  not_a_receipt,           // neither receipt text nor receipt TLVs
  time_length,             // neither empty nor 16 characters
  time_digit,              // a digit was expected
  time_range,              // month, day, hour, minute, second or quarter hour outside its range
  time_direction,          // the last character is not '+', '-' or 'R'
};

const std::error_category& text_category() noexcept;
std::error_code make_error_code(text_errc e) noexcept;

}  // namespace msgkit::smpp

template <>
struct std::is_error_code_enum<msgkit::smpp::text_errc> : std::true_type {};
