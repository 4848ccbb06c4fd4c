// Faults that libbridge itself finds. What an MQTT broker answered is a reason_code, what Redis answered an error text
// with a class (redis/error_class.hpp).
#pragma once

#include <system_error>

#include "msgkit/core/result.hpp"

namespace msgkit::bridge {

enum class errc {
  // decoding, all wires
  truncated = 1,              // the packet ends inside a field
  packet_too_large,           // above the configured limit, judged before memory is taken
  value_out_of_range,
  invalid_utf8,               // ill-formed, or contains U+0000
  trailing_octets,            // the packet goes on after its last field
  // MQTT
  remaining_length_invalid,   // more than four octets, or not the shortest form
  header_flags_invalid,       // reserved bits of the fixed header
  packet_type_invalid,
  protocol_invalid,           // CONNECT names another protocol or level
  packet_id_zero,
  topic_name_invalid,         // empty, wildcard or NUL
  topic_filter_invalid,
  property_unknown,
  property_repeated,
  property_misplaced,         // known, but not allowed in this packet
  // RESP
  resp_type_unknown = 50,
  resp_line_too_long,
  resp_number_invalid,
  resp_nesting_too_deep,
  resp_too_many_elements,
  resp_terminator_missing,
  // WebSocket
  http_response_invalid = 70,
  upgrade_refused,            // the server answered something else than 101 with our key and subprotocol
  frame_invalid,              // masked, reserved bits, fragmented control frame, wrong continuation
  websocket_closed,           // the server sent a close frame
  // encoding
  field_too_long = 90,
  // sessions
  not_connected = 100,
  window_full,
  connect_timeout,            // no CONNACK, or no answer to HELLO
  keep_alive_timeout,
  reply_timeout,
  protocol_violation,   // well-formed, but not allowed now
  stale_token,          // acknowledges a message of an earlier connection: the peer will send it again
  unsupported_by_peer,  // the broker said that it does not offer this
  peer_disconnected,    // MQTT DISCONNECT
  session_lost,         // the broker kept no state; the outcome is unknown
  master_unknown,       // no sentinel knows a master of that name
  not_master,           // the server says so of itself
  node_moved,           // what the connection was for is at another node of the cluster
  cluster_map_invalid,  // CLUSTER SLOTS answered with something else
  // relay
  name_invalid = 130,         // a template gave a name the other side cannot carry
  message_expired,
  payload_invalid,            // not what the rule's transformation needs
  hop_limit,                  // came through too many bridges, or through this one before
  queue_full,
  spool_damaged,
};

const std::error_category& bridge_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit::bridge

template <>
struct std::is_error_code_enum<msgkit::bridge::errc> : std::true_type {};
