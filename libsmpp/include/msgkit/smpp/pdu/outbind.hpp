// outbind (SMPP 3.4 section 4.1.7): the message centre asks an ESME to bind. It has no response.
#pragma once

#include <string_view>

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"

namespace msgkit::smpp {

struct outbind {
  static constexpr command_id id = command_id::outbind;
  std::string_view system_id{};
  std::string_view password{};
  tlv_list tlvs{};  // none are specified; what a peer adds is kept

  friend bool operator==(const outbind&, const outbind&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("system_id", s.system_id, 16);
    v.cstring("password", s.password, 9);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
