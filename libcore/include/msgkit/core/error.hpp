// Faults that every library can meet, whatever its protocol. Protocol faults live in each library's own category.
#pragma once

#include <system_error>

namespace msgkit {

enum class errc {
  invalid_hex = 1,        // text is not pairs of hexadecimal digits
  invalid_utf8,           // ill-formed UTF-8
  buffer_full,            // a bounded buffer or queue has reached its limit
  timed_out,              // a deadline passed
  closed,                 // the connection or object is closed
  canceled,               // withdrawn by the caller
  tls_failed,             // handshake or record failure; the log line of the observer has OpenSSL's words
  proxy_header_invalid,   // PROXY protocol header missing or malformed
  connection_limit,       // refused because a configured number of connections is reached
  invalid_configuration,  // impossible option value
};

const std::error_category& core_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit

template <>
struct std::is_error_code_enum<msgkit::errc> : std::true_type {};
