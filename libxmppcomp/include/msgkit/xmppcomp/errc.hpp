// Faults that libxmppcomp itself finds. What the server says ends a stream is a stream_condition (stream_error.hpp),
// what somebody answers to a stanza a stanza_condition (stanza_error.hpp).
#pragma once

#include <system_error>

namespace msgkit::xmppcomp {

enum class errc {
  // wire
  jid_invalid = 1,        // a part is empty, too long or has characters that it must not have
  name_invalid,           // an element or attribute name that XML does not allow
  number_invalid,         // the local part of a JID is no telephone number
  stanza_too_large,       // the stanza is larger than the limit for what we send
  // session
  not_connected = 100,    // the stream is not authenticated, or no longer
  address_missing,        // a stanza without `to`
  address_foreign,        // `from` is not an address of this component
  queue_full,             // a bounded queue has reached its limit
  session_closed,
  peer_closed,            // the server closed its stream or the connection
  handshake_timeout,      // the server did not finish the handshake in time
  ping_timeout,           // the server fell silent
  barrier_timeout,        // the server reads, but does not answer the ping behind our stanzas
  response_timeout,       // nobody answered our iq in time
  partial_stanza_timeout,  // the server began a stanza and did not finish it
  output_limit,           // the server does not read what we send
  quarantined,            // the stanza was in flight, alone, each time the stream broke
};

const std::error_category& xmppcomp_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit::xmppcomp

template <>
struct std::is_error_code_enum<msgkit::xmppcomp::errc> : std::true_type {};
