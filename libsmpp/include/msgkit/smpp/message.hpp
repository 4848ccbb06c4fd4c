// Where the user data of a message is, and which part of a long message it is. For submit_sm, deliver_sm, data_sm,
// submit_multi, replace_sm and broadcast_sm. Views point to where the PDU's do.
//
//   const auto octets = smpp::message_octets(m, profile);
//   const auto ud = smpp::has_udh(m.esm_class) ? smpp::split_user_data(octets) : smpp::user_data{{}, octets};
#pragma once

#include <optional>

#include "msgkit/smpp/peer_profile.hpp"
#include "msgkit/smpp/pdu.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::smpp {

// short_message, or message_payload where that is empty or the profile prefers it; without the closing zero octet where
// the profile says that texts have one. Empty when there is neither.
template <class Pdu>
bytes_view message_octets(const Pdu& m, const peer_profile& profile = default_profile) noexcept {
  bytes_view found{};
  if constexpr (requires { m.short_message; }) found = as_bytes(m.short_message);
  if (found.empty() || profile.payload_before_text) {
    if (const auto payload = m.tlvs.find(tag::message_payload); payload && !payload->value.empty())
      found = payload->value;
  }
  if (profile.texts_end_in_nul && !found.empty() && found.back() == 0) found = found.first(found.size() - 1);
  return found;
}

// The place that the three sar_* TLVs give. Nothing when one is missing or the place cannot be.
std::optional<concatenation> sar_position(const tlv_list& tlvs) noexcept;

// Where a message belongs in a long one: by its user data header, which `header` is, else by the sar_* TLVs.
std::optional<concatenation> part_position(const user_data_header& header, const tlv_list& tlvs) noexcept;

// What parse_receipt() wants to know of them.
receipt_tlvs receipt_tlvs_of(const tlv_list& tlvs) noexcept;

// The other direction of sar_position(): the TLVs of a part cut with long_message_method::sar, and
// more_messages_to_send in all but the last.
void add_sar(tlv_builder& tlvs, const concatenation& position);

// The receipt that `m` carries, by the peer's profile: from its text, wherever that is and behind a user data header
// when there is one, and from its TLVs. Whether it is meant to be a receipt says is_receipt(m.esm_class).
// Errors: as parse_receipt().
template <class Pdu>
result<receipt> read_receipt(const Pdu& m, const peer_profile& profile = default_profile) {
  auto text = message_octets(m, profile);
  if (has_udh(m.esm_class)) {
    if (const auto parts = split_user_data(text)) text = parts->body;
  }
  return parse_receipt(text, receipt_tlvs_of(m.tlvs), profile.receipts);
}

// The TLVs beside a receipt's text: receipted_message_id, message_state and, when there is one, network_error_code.
void add_receipt(tlv_builder& tlvs, const receipt& r);

}  // namespace msgkit::smpp
