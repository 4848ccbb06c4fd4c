// outbind (SMPP 3.4 section 4.1.7): the message centre asks an ESME to bind. It has no response.
#pragma once

#include <string_view>

#include "msgkit/smpp/command.hpp"

namespace msgkit::smpp {

struct outbind {
  static constexpr command_id id = command_id::outbind;
  std::string_view system_id{};
  std::string_view password{};

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.cstring("system_id", s.system_id, 16);
    v.long_cstring("password", s.password, 9, 64);
  }
};

}  // namespace msgkit::smpp
