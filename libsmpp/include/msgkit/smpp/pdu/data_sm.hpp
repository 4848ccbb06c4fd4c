// data_sm and data_sm_resp (SMPP 3.4 section 4.7): the text travels in message_payload.
#pragma once

#include "msgkit/smpp/pdu/short_message.hpp"

namespace msgkit::smpp {

struct data_sm {
  static constexpr command_id id = command_id::data_sm;
  std::string_view service_type{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  ton dest_addr_ton = ton::unknown;
  npi dest_addr_npi = npi::unknown;
  std::string_view destination_addr{};
  std::uint8_t esm_class = 0;
  std::uint8_t registered_delivery = 0;
  std::uint8_t data_coding = 0;
  tlv_list tlvs{};

  friend bool operator==(const data_sm&, const data_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 65);
    v.octet("dest_addr_ton", s.dest_addr_ton);
    v.octet("dest_addr_npi", s.dest_addr_npi);
    v.cstring("destination_addr", s.destination_addr, 65);
    v.octet("esm_class", s.esm_class);
    v.octet("registered_delivery", s.registered_delivery);
    v.octet("data_coding", s.data_coding);
    v.tlvs("tlvs", s.tlvs);
  }
};

using data_sm_resp = message_id_response<command_id::data_sm_resp>;

}  // namespace msgkit::smpp
