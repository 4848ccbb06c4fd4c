// Faults of MIME: what a pre-scan refuses, what a transfer encoding cannot be, what may not be written.
#pragma once

#include <system_error>

#include "msgkit/core/result.hpp"

namespace msgkit::mime {

enum class errc {
  // reading
  message_too_long = 1,    // over limits::message_bytes_max
  header_too_long,         // a field or a header block over its limit
  too_many_fields,
  header_malformed,        // a header line without a colon, or a NUL
  boundary_missing,        // multipart without a usable boundary parameter
  no_parts,                // multipart whose boundary never occurs
  too_many_parts,
  too_deep,                // nesting over limits::depth_max
  base64_invalid,          // character outside the alphabet, padding in the wrong place, broken last group
  transfer_encoding_unknown,
  part_too_long,           // decoded size over the caller's limit
  charset_unknown,
  // writing
  unsafe_value,            // CR, LF, NUL or another control character in a header value or parameter
  value_too_long,          // a word that cannot be folded into lines of 998 octets
  spool_failed,            // the temporary file; errno is lost, the system's log has it
};

const std::error_category& category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit::mime

template <>
struct std::is_error_code_enum<msgkit::mime::errc> : std::true_type {};
