// bind_transmitter, bind_receiver, bind_transceiver and their responses (SMPP 3.4 section 4.1). The three share one
// layout; only the command_id differs.
#pragma once

#include <cstdint>
#include <string_view>

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

template <command_id Id>
struct bind_request {
  static constexpr command_id id = Id;
  std::string_view system_id{};
  std::string_view password{};
  std::string_view system_type{};
  std::uint8_t interface_version = 0x34;
  ton addr_ton = ton::unknown;
  npi addr_npi = npi::unknown;
  std::string_view address_range{};
  tlv_list tlvs{};  // none are specified; what a peer adds is kept

  friend bool operator==(const bind_request&, const bind_request&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("system_id", s.system_id, 16);
    v.cstring("password", s.password, 9);
    v.cstring("system_type", s.system_type, 13);
    v.octet("interface_version", s.interface_version);
    v.octet("addr_ton", s.addr_ton);
    v.octet("addr_npi", s.addr_npi);
    v.cstring("address_range", s.address_range, 41);
    v.tlvs("tlvs", s.tlvs);
  }
};

template <command_id Id>
struct bind_response {
  static constexpr command_id id = Id;
  std::string_view system_id{};
  tlv_list tlvs{};

  friend bool operator==(const bind_response&, const bind_response&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.optional_cstring("system_id", s.system_id, 16, s.tlvs);
    v.tlvs("tlvs", s.tlvs);
  }
};

using bind_transmitter = bind_request<command_id::bind_transmitter>;
using bind_receiver = bind_request<command_id::bind_receiver>;
using bind_transceiver = bind_request<command_id::bind_transceiver>;
using bind_transmitter_resp = bind_response<command_id::bind_transmitter_resp>;
using bind_receiver_resp = bind_response<command_id::bind_receiver_resp>;
using bind_transceiver_resp = bind_response<command_id::bind_transceiver_resp>;

}  // namespace msgkit::smpp
