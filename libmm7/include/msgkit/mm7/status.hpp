// MM7 StatusCode (3GPP TS 23.140 section 8.7.8). The first digit is the class; operators add codes of their own.
#pragma once

#include <cstdint>
#include <string_view>

namespace msgkit::mm7 {

enum class status_code : std::uint16_t {
  success = 1000,
  partial_success = 1100,
  client_error = 2000,
  operation_restricted = 2001,
  address_error = 2002,
  address_not_found = 2003,
  content_refused = 2004,
  message_id_not_found = 2005,
  linked_id_not_found = 2006,
  message_format_corrupt = 2007,
  application_id_not_found = 2008,
  reply_application_id_not_found = 2009,
  server_error = 3000,
  not_possible = 3001,
  message_rejected = 3002,
  multiple_addresses_not_supported = 3003,
  application_addressing_not_supported = 3004,
  command_rejected = 3005,
  general_service_error = 4000,
  improper_identification = 4001,
  unsupported_version = 4002,
  unsupported_operation = 4003,
  validation_error = 4004,
  service_error = 4005,
  service_unavailable = 4006,
  service_denied = 4007,
  application_denied = 4008,
};

constexpr bool is_success(status_code c) noexcept { return static_cast<unsigned>(c) / 1000 == 1; }
// Whether the same request may succeed later: 3000, 3001, 4000, 4005, 4006, and unknown codes of the classes 3 and 4.
bool is_retryable(status_code c) noexcept;
// The specification's text; for an unknown code that of its class.
std::string_view to_string(status_code c) noexcept;
bool is_known(status_code c) noexcept;

}  // namespace msgkit::mm7
