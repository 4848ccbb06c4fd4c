// Faults that libmm7 finds. What a peer answered is a status_code.
#pragma once

#include <system_error>

#include "msgkit/core/result.hpp"
#include "msgkit/mm7/status.hpp"

namespace msgkit::mm7 {

enum class errc {
  xml_malformed = 1,       // not XML, or of an encoding that cannot be converted
  doctype_refused,         // document type declarations are not read, entities never expanded
  too_deep,                // elements nested over the limit
  too_many_elements,
  duplicate_attribute,
  not_soap,                // no SOAP 1.1 Envelope and Body
  operation_missing,       // an empty Body
  operation_unknown,
  transaction_id_missing,
  element_missing,         // a mandatory element; the fault's field names it
  element_invalid,         // its value cannot be read
  envelope_missing,        // multipart without an XML part
  content_missing,         // href names a part that is not there, and no other can stand in
  too_many_recipients,
  // HTTP
  http_malformed,          // a head, framing or authorization that cannot be read
  http_too_large,
  http_refused,            // a status without an MM7 answer
  answer_mismatch,         // an answer to something else than what was asked
  queue_full,              // of the client
  session_closed,          // the connection, or the client that was stopped
};

const std::error_category& mm7_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

// The StatusCode to answer with: 2007, 4003, 4004, ...
status_code status_for(const fault& f) noexcept;

}  // namespace msgkit::mm7

template <>
struct std::is_error_code_enum<msgkit::mm7::errc> : std::true_type {};
