// PDUs without mandatory fields. Responses may carry TLVs (congestion_state in 5.0), and whatever TLVs a peer adds are
// kept.
#pragma once

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"

namespace msgkit::smpp {

template <command_id Id>
struct header_only {
  static constexpr command_id id = Id;
  tlv_list tlvs{};

  friend bool operator==(const header_only&, const header_only&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.tlvs("tlvs", s.tlvs);
  }
};

using generic_nack = header_only<command_id::generic_nack>;
using unbind = header_only<command_id::unbind>;
using unbind_resp = header_only<command_id::unbind_resp>;
using enquire_link = header_only<command_id::enquire_link>;
using enquire_link_resp = header_only<command_id::enquire_link_resp>;
using cancel_sm_resp = header_only<command_id::cancel_sm_resp>;
using replace_sm_resp = header_only<command_id::replace_sm_resp>;
using cancel_broadcast_sm_resp = header_only<command_id::cancel_broadcast_sm_resp>;

}  // namespace msgkit::smpp
