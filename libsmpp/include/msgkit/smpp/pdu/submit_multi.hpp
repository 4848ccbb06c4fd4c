// submit_multi and submit_multi_resp (SMPP 3.4 section 4.5).
#pragma once

#include "msgkit/smpp/counted_list.hpp"
#include "msgkit/smpp/pdu/short_message.hpp"

namespace msgkit::smpp {

// 4.5.1.1: an SME address or the name of a distribution list, told apart by dest_flag.
struct dest_address {
  static constexpr std::uint8_t sme = 1;
  static constexpr std::uint8_t distribution_list = 2;
  std::uint8_t dest_flag = sme;
  ton dest_addr_ton = ton::unknown;
  npi dest_addr_npi = npi::unknown;
  std::string_view destination_addr{};
  std::string_view dl_name{};

  friend bool operator==(const dest_address&, const dest_address&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.octet_between("dest_flag", s.dest_flag, sme, distribution_list, errc::destination_flag_invalid);
    if (s.dest_flag == distribution_list) {
      v.cstring("dl_name", s.dl_name, 21);
    } else {
      v.octet("dest_addr_ton", s.dest_addr_ton);
      v.octet("dest_addr_npi", s.dest_addr_npi);
      v.cstring("destination_addr", s.destination_addr, 21);
    }
  }
};

struct submit_multi {
  static constexpr command_id id = command_id::submit_multi;
  std::string_view service_type{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  counted_list<dest_address> dest_addresses{};
  std::uint8_t esm_class = 0;
  std::uint8_t protocol_id = 0;
  std::uint8_t priority_flag = 0;
  std::string_view schedule_delivery_time{};
  std::string_view validity_period{};
  std::uint8_t registered_delivery = 0;
  std::uint8_t replace_if_present_flag = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t sm_default_msg_id = 0;
  std::string_view short_message{};
  tlv_list tlvs{};

  friend bool operator==(const submit_multi&, const submit_multi&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("service_type", s.service_type, 6);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.list("number_of_dests", "dest_address", s.dest_addresses, 1);
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

struct unsuccess_sme {
  ton dest_addr_ton = ton::unknown;
  npi dest_addr_npi = npi::unknown;
  std::string_view destination_addr{};
  std::uint32_t error_status_code = 0;

  friend bool operator==(const unsuccess_sme&, const unsuccess_sme&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.octet("dest_addr_ton", s.dest_addr_ton);
    v.octet("dest_addr_npi", s.dest_addr_npi);
    v.cstring("destination_addr", s.destination_addr, 21);
    v.u32("error_status_code", s.error_status_code);
  }
};

struct submit_multi_resp {
  static constexpr command_id id = command_id::submit_multi_resp;
  std::string_view message_id{};
  counted_list<unsuccess_sme> unsuccess_smes{};
  tlv_list tlvs{};

  friend bool operator==(const submit_multi_resp&, const submit_multi_resp&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    if (v.body_may_be_absent(s)) return;
    v.cstring("message_id", s.message_id, 65);
    v.list("no_unsuccess", "unsuccess_sme", s.unsuccess_smes, 0);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
