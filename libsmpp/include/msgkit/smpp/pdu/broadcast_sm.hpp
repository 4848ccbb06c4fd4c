// broadcast_sm, query_broadcast_sm, cancel_broadcast_sm and their responses (SMPP 5.0 sections 4.4 to 4.6).
#pragma once

#include "msgkit/smpp/pdu/short_message.hpp"

namespace msgkit::smpp {

struct broadcast_sm {
  static constexpr command_id id = command_id::broadcast_sm;
  std::string_view service_type{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  std::string_view message_id{};  // of the broadcast to replace
  std::uint8_t priority_flag = 0;
  std::string_view schedule_delivery_time{};
  std::string_view validity_period{};
  std::uint8_t replace_if_present_flag = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t sm_default_msg_id = 0;
  tlv_list tlvs{};  // area, content type, repetition and frequency are mandatory

  friend bool operator==(const broadcast_sm&, const broadcast_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.cstring("message_id", s.message_id, 65);
    v.octet("priority_flag", s.priority_flag);
    v.time("schedule_delivery_time", s.schedule_delivery_time);
    v.time("validity_period", s.validity_period);
    v.octet("replace_if_present_flag", s.replace_if_present_flag);
    v.octet("data_coding", s.data_coding);
    v.octet("sm_default_msg_id", s.sm_default_msg_id);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct query_broadcast_sm {
  static constexpr command_id id = command_id::query_broadcast_sm;
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  tlv_list tlvs{};

  friend bool operator==(const query_broadcast_sm&, const query_broadcast_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("message_id", s.message_id, 65);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct cancel_broadcast_sm {
  static constexpr command_id id = command_id::cancel_broadcast_sm;
  std::string_view service_type{};
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  tlv_list tlvs{};

  friend bool operator==(const cancel_broadcast_sm&, const cancel_broadcast_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.cstring("message_id", s.message_id, 65);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.tlvs("tlvs", s.tlvs);
  }
};

using broadcast_sm_resp = message_id_response<command_id::broadcast_sm_resp>;
using query_broadcast_sm_resp = message_id_response<command_id::query_broadcast_sm_resp>;

}  // namespace msgkit::smpp
