// cancel_sm (SMPP 3.4 section 4.9). An empty message_id cancels by source, destination and service_type.
#pragma once

#include <string_view>

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

struct cancel_sm {
  static constexpr command_id id = command_id::cancel_sm;
  std::string_view service_type{};
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  ton dest_addr_ton = ton::unknown;
  npi dest_addr_npi = npi::unknown;
  std::string_view destination_addr{};
  tlv_list tlvs{};

  friend bool operator==(const cancel_sm&, const cancel_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.cstring("message_id", s.message_id, 65);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.octet("dest_addr_ton", s.dest_addr_ton);
    v.octet("dest_addr_npi", s.dest_addr_npi);
    v.cstring("destination_addr", s.destination_addr, 21);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
