// Faults that libsmpp itself finds. What the peer answered is a command_status (status.hpp).
#pragma once

#include <string_view>
#include <system_error>

#include "msgkit/core/result.hpp"
#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/status.hpp"

namespace msgkit::smpp {

enum class errc {
  // decoding
  command_length_invalid = 1,  // below 16 or above the limit: framing is lost
  truncated,                   // the body ends inside a field
  missing_terminator,          // no NUL within the field's maximum
  invalid_time_length,         // a time is neither empty nor 16 characters
  message_too_long,            // sm_length is larger than what follows
  tlv_stream_invalid,          // a TLV's length points past the end
  destination_flag_invalid,    // dest_flag is neither 1 nor 2
  user_data_header_invalid,    // UDHI is set and the message has no room for the header it announces
  command_unknown,             // no decoder for this command_id
  // encoding
  field_too_long,              // a value exceeds the specification's limit
  embedded_nul,                // a C-octet string contains a zero octet
  value_out_of_range,
  // session
  window_full = 100,
  state_forbids,               // the operation is not allowed in this session state
  response_timeout,
  session_closed,
  bind_timeout,                // the peer did not bind, or did not answer our bind, in time
  inactivity_timeout,
  enquire_link_timeout,        // the peer did not answer enquire_link
  partial_pdu_timeout,         // a PDU was begun and not finished in time
  unbind_timeout,
  peer_unbound,                // the peer ended the session with unbind
  output_limit,                // the peer does not read what we send
  nacked,                      // a generic_nack answered our request
  unknown_sequence,            // the application answered a request that is not open
  version_forbids,             // the peer speaks 3.3, which has no such operation, or no place for this message
  pdu_too_long,                // longer than peer_profile::pdu_bytes_sent_max
};

const std::error_category& smpp_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

// The status to answer when a request failed to decode or validate: field-specific where SMPP has one
// (RINVSRCADR, RINVDSTADR, RINVSCHED, RINVEXPIRY, RINVMSGLEN...), else RINVPARLEN or RINVCMDLEN.
command_status status_for(const fault& f) noexcept;

}  // namespace msgkit::smpp

template <>
struct std::is_error_code_enum<msgkit::smpp::errc> : std::true_type {};
