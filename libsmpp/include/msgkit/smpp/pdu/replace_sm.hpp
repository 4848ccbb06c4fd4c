// replace_sm (SMPP 3.4 section 4.10). There is no leading service_type, whatever some implementations send.
#pragma once

#include "msgkit/smpp/pdu/short_message.hpp"

namespace msgkit::smpp {

struct replace_sm {
  static constexpr command_id id = command_id::replace_sm;
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  std::string_view schedule_delivery_time{};
  std::string_view validity_period{};
  std::uint8_t registered_delivery = 0;
  std::uint8_t sm_default_msg_id = 0;
  std::string_view short_message{};
  tlv_list tlvs{};

  friend bool operator==(const replace_sm&, const replace_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("message_id", s.message_id, 65);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.time("schedule_delivery_time", s.schedule_delivery_time);
    v.time("validity_period", s.validity_period);
    v.octet("registered_delivery", s.registered_delivery);
    v.octet("sm_default_msg_id", s.sm_default_msg_id);
    v.counted_octets("sm_length", "short_message", s.short_message, short_message_bytes_max);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
