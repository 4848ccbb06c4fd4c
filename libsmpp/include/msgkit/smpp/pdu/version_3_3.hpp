// What only SMPP 3.3 has: param_retrieve, query_last_msgs, query_msg_details and their responses. 3.4 removed them. A
// message_id of 3.3 is a hexadecimal number of up to 8 digits; see format_hex_id() in text/receipt.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "msgkit/smpp/counted_list.hpp"
#include "msgkit/smpp/pdu/short_message.hpp"
#include "msgkit/smpp/pdu/submit_multi.hpp"

namespace msgkit::smpp {

constexpr std::size_t message_id_bytes_3_3 = 9;  // the closing NUL included

// Asks the message centre for one of its parameters.
struct param_retrieve {
  static constexpr command_id id = command_id::param_retrieve;
  std::string_view param_name{};
  tlv_list tlvs{};  // 3.3 has none; what a peer adds is kept

  friend bool operator==(const param_retrieve&, const param_retrieve&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("param_name", s.param_name, 32);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct param_retrieve_resp {
  static constexpr command_id id = command_id::param_retrieve_resp;
  std::string_view param_value{};
  tlv_list tlvs{};

  friend bool operator==(const param_retrieve_resp&, const param_retrieve_resp&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.optional_cstring("param_value", s.param_value, 101, s.tlvs);
    v.tlvs("tlvs", s.tlvs);
  }
};

// Asks for the ids of the latest messages from one source address.
struct query_last_msgs {
  static constexpr command_id id = command_id::query_last_msgs;
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  std::uint8_t no_of_msgs = 0;  // 1..100
  tlv_list tlvs{};

  friend bool operator==(const query_last_msgs&, const query_last_msgs&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.octet("no_of_msgs", s.no_of_msgs);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct listed_message {
  std::string_view message_id{};

  friend bool operator==(const listed_message&, const listed_message&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("message_id", s.message_id, message_id_bytes_3_3);
  }
};

struct query_last_msgs_resp {
  static constexpr command_id id = command_id::query_last_msgs_resp;
  counted_list<listed_message> messages{};
  tlv_list tlvs{};

  friend bool operator==(const query_last_msgs_resp&, const query_last_msgs_resp&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    if (v.body_may_be_absent(s)) return;
    v.list("no_of_msgs", "message", s.messages, 0);
    v.tlvs("tlvs", s.tlvs);
  }
};

// Asks for everything about one message, with up to sm_length octets of its text.
struct query_msg_details {
  static constexpr command_id id = command_id::query_msg_details;
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  std::uint8_t sm_length = 0;  // octets of text wanted
  tlv_list tlvs{};

  friend bool operator==(const query_msg_details&, const query_msg_details&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("message_id", s.message_id, message_id_bytes_3_3);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.octet("sm_length", s.sm_length);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct query_msg_details_resp {
  static constexpr command_id id = command_id::query_msg_details_resp;
  std::string_view service_type{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  counted_list<dest_address> dest_addresses{};
  std::uint8_t protocol_id = 0;
  std::uint8_t priority_flag = 0;
  std::string_view schedule_delivery_time{};
  std::string_view validity_period{};
  std::uint8_t registered_delivery = 0;
  std::uint8_t data_coding = 0;
  std::string_view short_message{};
  std::string_view message_id{};
  std::string_view final_date{};  // absolute time, or empty while the message is not final
  smpp::message_state message_state{};
  std::uint8_t error_code = 0;
  tlv_list tlvs{};

  friend bool operator==(const query_msg_details_resp&, const query_msg_details_resp&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    if (v.body_may_be_absent(s)) return;
    v.cstring("service_type", s.service_type, 6);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.list("no_of_dests", "dest_address", s.dest_addresses, 0);
    v.octet("protocol_id", s.protocol_id);
    v.octet("priority_flag", s.priority_flag);
    v.time("schedule_delivery_time", s.schedule_delivery_time);
    v.time("validity_period", s.validity_period);
    v.octet("registered_delivery", s.registered_delivery);
    v.octet("data_coding", s.data_coding);
    v.counted_octets("sm_length", "short_message", s.short_message, short_message_bytes_max);
    v.cstring("message_id", s.message_id, message_id_bytes_3_3);
    v.time("final_date", s.final_date);
    v.octet("message_state", s.message_state);
    v.octet("error_code", s.error_code);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
