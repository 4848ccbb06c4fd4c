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

// The other direction: the three TLVs of a part cut with long_message_method::sar.
void add_sar(tlv_builder& tlvs, const concatenation& position);

}  // namespace msgkit::smpp
