// query_sm and query_sm_resp (SMPP 3.4 section 4.8).
#pragma once

#include <cstdint>
#include <string_view>

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

struct query_sm {
  static constexpr command_id id = command_id::query_sm;
  std::string_view message_id{};
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  tlv_list tlvs{};

  friend bool operator==(const query_sm&, const query_sm&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("message_id", s.message_id, 65);
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 21);
    v.tlvs("tlvs", s.tlvs);
  }
};

struct query_sm_resp {
  static constexpr command_id id = command_id::query_sm_resp;
  std::string_view message_id{};
  std::string_view final_date{};  // absolute time, or empty while the message is not final
  smpp::message_state message_state{};
  std::uint8_t error_code = 0;
  tlv_list tlvs{};

  friend bool operator==(const query_sm_resp&, const query_sm_resp&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    if (v.body_may_be_absent(s)) return;
    v.cstring("message_id", s.message_id, 65);
    v.time("final_date", s.final_date);
    v.octet("message_state", s.message_state);
    v.octet("error_code", s.error_code);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
