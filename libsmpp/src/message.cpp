#include "msgkit/smpp/message.hpp"

namespace msgkit::smpp {

std::optional<concatenation> sar_position(const tlv_list& tlvs) noexcept {
  if (tlvs.empty()) return std::nullopt;
  const auto reference = tlvs.find_integer(tag::sar_msg_ref_num);
  const auto total = tlvs.find_integer(tag::sar_total_segments);
  const auto sequence = tlvs.find_integer(tag::sar_segment_seqnum);
  if (!reference || !total || !sequence || *reference > 0xFFFF || *total > 0xFF || *sequence > 0xFF)
    return std::nullopt;
  const concatenation position{static_cast<std::uint16_t>(*reference), static_cast<std::uint8_t>(*total),
                               static_cast<std::uint8_t>(*sequence), reference_width::sar};
  return is_valid(position) ? std::optional(position) : std::nullopt;
}

std::optional<concatenation> part_position(const user_data_header& header, const tlv_list& tlvs) noexcept {
  const auto position = header.concatenation();
  return position ? position : sar_position(tlvs);
}

receipt_tlvs receipt_tlvs_of(const tlv_list& tlvs) noexcept {
  receipt_tlvs out;
  if (const auto state = tlvs.find_integer(tag::message_state); state && *state <= 0xFF)
    out.message_state = static_cast<std::uint8_t>(*state);
  if (const auto id = tlvs.find(tag::receipted_message_id)) out.receipted_message_id = id->value;
  if (const auto error = tlvs.find(tag::network_error_code)) out.network_error_code = error->value;
  return out;
}

void add_receipt(tlv_builder& tlvs, const receipt& r) {
  if (!r.id.empty()) tlvs.add_cstring(tag::receipted_message_id, r.id);
  if (r.state) tlvs.add_u8(tag::message_state, static_cast<std::uint8_t>(*r.state));
  if (r.network) (void)tlvs.add(tag::network_error_code, format_network_error(*r.network));
}

void add_sar(tlv_builder& tlvs, const concatenation& position) {
  tlvs.add_u16(tag::sar_msg_ref_num, position.reference)
      .add_u8(tag::sar_total_segments, position.total)
      .add_u8(tag::sar_segment_seqnum, position.sequence);
  if (position.sequence < position.total) tlvs.add_u8(tag::more_messages_to_send, 1);
}

}  // namespace msgkit::smpp
