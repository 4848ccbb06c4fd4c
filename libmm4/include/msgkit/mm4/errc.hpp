// Faults that libmm4 itself finds. What a peer answered is an smtp::reply or a request_status.
#pragma once

#include <string_view>
#include <system_error>

#include "msgkit/core/result.hpp"
#include "msgkit/mm4/values.hpp"

namespace msgkit::mm4 {

enum class errc {
  // decoding
  message_type_missing = 1,
  message_type_unknown,
  header_missing,          // a header the message cannot do without; the fault's field names it
  header_invalid,          // its value cannot be read
  version_unsupported,     // strict profiles: not d.d.d
  address_invalid,
  recipients_missing,
  too_many_recipients,
  // encoding
  value_missing,           // a mandatory element of the message to be sent is empty
  // exchange
  transaction_unknown,     // a response nobody waits for
  transaction_open,        // a request with this transaction id is under way
  cannot_correlate,        // an acknowledgement is wanted, but there is nothing to correlate it by or nowhere to send it
  duplicate_message,       // seen before from this peer for every recipient
  loop_detected,
  response_timeout,
  window_full,
  // SMTP
  reply_invalid = 100,     // the server does not speak SMTP
  line_too_long,
  refused,                 // the server refused with a 5yz reply
  refused_temporarily,     // with a 4yz reply
  session_closed,
  state_forbids,
  command_timeout,
  delivery_unknown,        // the connection ended between the end of the data and its reply
  tls_unavailable,         // TLS is required and not offered
  authentication_unavailable,  // no mechanism in common, or only without TLS
  size_exceeded,           // over the SIZE the server announced
  unsafe_command,          // CR, LF or another character that cannot stand in a command
  queue_full,
  no_mail_exchanger,       // the domain has no MX and no address, or says by a null MX that it takes no mail
  too_many_errors,
  output_limit,            // the peer does not read what we send
};

const std::error_category& mm4_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

// X-Mms-Request-Status-Code for a message that was refused with this fault, of libmm4 or of MIME.
request_status status_for(const fault& f) noexcept;

}  // namespace msgkit::mm4

template <>
struct std::is_error_code_enum<msgkit::mm4::errc> : std::true_type {};
