// A submit_sm encoder and decoder written by hand for this one PDU (SMPP 3.4 section 4.4.1): the reference of the codec
// rows. It checks every bound a careful person would check, allocates nothing, and knows nothing of any other PDU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace msgkit::bench {

struct hand_tlv {
  std::uint16_t tag = 0;
  std::string_view value{};
};

// Views into the decoded buffer, or into whatever the caller encodes from.
struct hand_submit_sm {
  std::uint32_t status = 0;
  std::uint32_t sequence = 0;
  std::string_view service_type{};
  std::uint8_t source_addr_ton = 0, source_addr_npi = 0;
  std::string_view source_addr{};
  std::uint8_t dest_addr_ton = 0, dest_addr_npi = 0;
  std::string_view destination_addr{};
  std::uint8_t esm_class = 0, protocol_id = 0, priority_flag = 0;
  std::string_view schedule_delivery_time{}, validity_period{};
  std::uint8_t registered_delivery = 0, replace_if_present_flag = 0, data_coding = 0, sm_default_msg_id = 0;
  std::string_view short_message{};
  std::array<hand_tlv, 8> tlvs{};
  std::size_t tlv_count = 0;
};

// Octets written, 0 when a field is too long or `out` too small.
std::size_t hand_encode(const hand_submit_sm& m, std::span<std::uint8_t> out) noexcept;

// False when the octets are not exactly one submit_sm, or carry more than eight TLVs.
bool hand_decode(std::span<const std::uint8_t> frame, hand_submit_sm& m) noexcept;

// The message of every benchmark: 161 octets with 100 octets of text; receipts only on demand.
hand_submit_sm sample_submit_sm() noexcept;
// The same with three TLVs (user_message_reference, sar_segment_seqnum and a vendor one).
hand_submit_sm sample_submit_sm_with_tlvs() noexcept;

}  // namespace msgkit::bench
