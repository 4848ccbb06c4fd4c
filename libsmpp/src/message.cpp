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

void add_sar(tlv_builder& tlvs, const concatenation& position) {
  tlvs.add_u16(tag::sar_msg_ref_num, position.reference)
      .add_u8(tag::sar_total_segments, position.total)
      .add_u8(tag::sar_segment_seqnum, position.sequence);
}

}  // namespace msgkit::smpp
