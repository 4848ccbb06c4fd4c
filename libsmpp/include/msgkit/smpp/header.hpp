// The 16-octet PDU header (SMPP 3.4 section 3.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/status.hpp"

namespace msgkit::smpp {

constexpr std::size_t header_bytes = 16;
constexpr std::size_t pdu_bytes_max_default = 64 * 1024 + 1024;  // a 64 KiB message_payload and its fields

struct header {
  std::uint32_t command_length = 0;  // octets, the header included
  command_id id{};
  command_status status{};           // meaningful in responses only
  std::uint32_t sequence = 0;        // any 32-bit value is accepted and echoed; we generate 1..0x7fffffff

  friend bool operator==(const header&, const header&) = default;
};

// Precondition: octets.size() >= header_bytes.
inline header read_header(bytes_view octets) noexcept {
  const auto* p = octets.data();
  return {load_big<std::uint32_t>(p), static_cast<command_id>(load_big<std::uint32_t>(p + 4)),
          static_cast<command_status>(load_big<std::uint32_t>(p + 8)), load_big<std::uint32_t>(p + 12)};
}

// Writes header_bytes octets.
inline void write_header(const header& h, std::uint8_t* p) noexcept {
  store_big(p, h.command_length);
  store_big(p + 4, static_cast<std::uint32_t>(h.id));
  store_big(p + 8, static_cast<std::uint32_t>(h.status));
  store_big(p + 12, h.sequence);
}

}  // namespace msgkit::smpp
