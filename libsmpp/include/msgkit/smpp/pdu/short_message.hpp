// submit_sm and deliver_sm (SMPP 3.4 sections 4.4 and 4.6): one layout, two directions, and their responses.
// In deliver_sm schedule_delivery_time, validity_period, replace_if_present_flag and sm_default_msg_id are unused.
#pragma once

#include <cstdint>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

constexpr std::size_t short_message_bytes_max = 255;  // 254 until 3.4, 255 in 5.0

template <command_id Id>
struct short_message_request {
  static constexpr command_id id = Id;
  std::string_view service_type{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  ton dest_addr_ton = ton::unknown;
  npi dest_addr_npi = npi::unknown;
  std::string_view destination_addr{};
  std::uint8_t esm_class = 0;
  std::uint8_t protocol_id = 0;
  std::uint8_t priority_flag = 0;
  std::string_view schedule_delivery_time{};
  std::string_view validity_period{};
  std::uint8_t registered_delivery = 0;
  std::uint8_t replace_if_present_flag = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t sm_default_msg_id = 0;
  std::string_view short_message{};  // octets, not text: GSM '@' is a zero octet
  tlv_list tlvs{};

  friend bool operator==(const short_message_request&, const short_message_request&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.octet("dest_addr_ton", s.dest_addr_ton);
    v.octet("dest_addr_npi", s.dest_addr_npi);
    v.cstring("destination_addr", s.destination_addr, 21);
    v.octet("esm_class", s.esm_class);
    v.octet("protocol_id", s.protocol_id);
    v.octet("priority_flag", s.priority_flag);
    v.time("schedule_delivery_time", s.schedule_delivery_time);
    v.time("validity_period", s.validity_period);
    v.octet("registered_delivery", s.registered_delivery);
    v.octet("replace_if_present_flag", s.replace_if_present_flag);
    v.octet("data_coding", s.data_coding);
    v.octet("sm_default_msg_id", s.sm_default_msg_id);
    v.counted_octets("sm_length", "short_message", s.short_message, short_message_bytes_max);
    v.tlvs("tlvs", s.tlvs);
  }
};

// message_id is empty in deliver_sm_resp by specification; peers fill it all the same.
template <command_id Id>
struct message_id_response {
  static constexpr command_id id = Id;
  std::string_view message_id{};
  tlv_list tlvs{};

  friend bool operator==(const message_id_response&, const message_id_response&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.optional_cstring("message_id", s.message_id, 65, s.tlvs);
    v.tlvs("tlvs", s.tlvs);
  }
};

using submit_sm = short_message_request<command_id::submit_sm>;
using deliver_sm = short_message_request<command_id::deliver_sm>;
using submit_sm_resp = message_id_response<command_id::submit_sm_resp>;
using deliver_sm_resp = message_id_response<command_id::deliver_sm_resp>;

}  // namespace msgkit::smpp
