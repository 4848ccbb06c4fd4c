// Faults that libgoip itself finds. What a device answered is in the outcomes of event.hpp.
#pragma once

#include <system_error>

#include "msgkit/core/result.hpp"

namespace msgkit::goip {

enum class errc {
  // decoding
  oversize = 1,         // longer than datagram_bytes_max, or cut by the kernel
  no_verb,              // the datagram begins with nothing that could be a verb
  unknown_verb,         // a reply or command verb nobody here knows, or a known verb in the wrong case
  invalid_number,       // the number after the verb is missing, has more than 20 digits or does not fit
  missing_field,        // a field the message cannot do without
  field_too_long,
  forbidden_character,  // a control character, or a separator where it would shift the fields
  length_mismatch,      // MSG announces more octets than there are
  // encoding and operations
  text_too_long = 100,  // more than sms_text_bytes_max octets
  invalid_utf8,
  invalid_destination,  // not an optional '+' and digits, '*' or '#'
  invalid_ussd_code,
  invalid_argument,     // a command's argument is missing, superfluous or outside its range
  queue_full,
  unknown_line,
  duplicate_line,
  line_disabled,
  line_offline,         // no address is known to which a command could go
  busy,                 // the line has a USSD dialogue or the maximum of commands under way
  draining,             // the session takes no new work
  // outcomes without an answer
  no_answer = 200,      // the device did not react; nothing was sent
  outcome_unknown,      // the device was told to send and never said what became of it
  expired,              // waited in the queue for too long
  canceled,
  refused,              // the device said no; the outcome has its words
};

const std::error_category& goip_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit::goip

template <>
struct std::is_error_code_enum<msgkit::goip::errc> : std::true_type {};
