// Small values of MQTT 3.1.1 and 5, and the table of reason codes (MQTT 5 section 2.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace msgkit::bridge::mqtt {

enum class version : std::uint8_t { v3_1_1 = 4, v5 = 5 };
enum class qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

enum class packet_type : std::uint8_t {
  connect = 1, connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback, pingreq,
  pingresp, disconnect, auth,
};
std::string_view to_string(packet_type t) noexcept;

constexpr std::size_t remaining_length_max = 268'435'455;
constexpr std::size_t text_bytes_max = 65'535;

// Codes of 0x80 and above are failures. Values outside the table are kept as they are.
enum class reason_code : std::uint8_t {
  success = 0x00,  // also: normal disconnection, granted QoS 0
  granted_qos_1 = 0x01,
  granted_qos_2 = 0x02,
  disconnect_with_will = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  re_authenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,
  server_busy = 0x89,
  banned = 0x8A,
  server_shutting_down = 0x8B,
  bad_authentication_method = 0x8C,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  topic_filter_invalid = 0x8F,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9A,
  qos_not_supported = 0x9B,
  use_another_server = 0x9C,
  server_moved = 0x9D,
  shared_subscriptions_not_supported = 0x9E,
  connection_rate_exceeded = 0x9F,
  maximum_connect_time = 0xA0,
  subscription_identifiers_not_supported = 0xA1,
  wildcard_subscriptions_not_supported = 0xA2,
};

constexpr bool is_failure(reason_code r) noexcept { return static_cast<std::uint8_t>(r) >= 0x80; }
// The specification's words; "unknown reason" outside the table.
std::string_view to_string(reason_code r) noexcept;

// MQTT 3.1.1 CONNACK return codes 0..5 as reason codes, and back (anything else becomes 3, server unavailable).
reason_code from_v3_return_code(std::uint8_t code) noexcept;
std::uint8_t to_v3_return_code(reason_code r) noexcept;

const std::error_category& reason_category() noexcept;
inline std::error_code make_error_code(reason_code r) noexcept { return {static_cast<int>(r), reason_category()}; }

}  // namespace msgkit::bridge::mqtt

template <>
struct std::is_error_code_enum<msgkit::bridge::mqtt::reason_code> : std::true_type {};
