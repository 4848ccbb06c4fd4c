// Control packets to octets and back, and the framing between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "msgkit/bridge/mqtt/packet.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::bridge::mqtt {

struct frame {
  packet_type type{};
  std::uint8_t flags = 0;  // low half of the first octet
  bytes_view body{};
  std::size_t size = 0;    // header included
};

// The first packet of `octets`, nullopt while it is incomplete. The length is judged as soon as it is there.
// Errors: remaining_length_invalid, packet_type_invalid, packet_too_large (above `bytes_max`, header included).
result<std::optional<frame>> next_frame(bytes_view octets, std::size_t bytes_max);

// Decodes the body. `v` is what CONNECT agreed on; CONNECT itself says its own.
// Errors: those of errc up to topic_name_invalid and property_*; `offset` counts from the start of the body.
result<packet> decode(const frame& f, version v);

// Appends a whole packet. Nothing is appended on error.
// Errors: field_too_long, invalid_utf8, topic_name_invalid, packet_id_zero, property_misplaced and its kin.
template <class Packet>
result<void> encode(const Packet& p, version v, byte_vector& out);

}  // namespace msgkit::bridge::mqtt
