// alert_notification (SMPP 3.4 section 4.12). It has no response.
#pragma once

#include <string_view>

#include "msgkit/smpp/command.hpp"
#include "msgkit/smpp/tlv.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

struct alert_notification {
  static constexpr command_id id = command_id::alert_notification;
  ton source_addr_ton = ton::unknown;
  npi source_addr_npi = npi::unknown;
  std::string_view source_addr{};
  ton esme_addr_ton = ton::unknown;
  npi esme_addr_npi = npi::unknown;
  std::string_view esme_addr{};
  tlv_list tlvs{};

  friend bool operator==(const alert_notification&, const alert_notification&) = default;

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.octet("source_addr_ton", s.source_addr_ton);
    v.octet("source_addr_npi", s.source_addr_npi);
    v.cstring("source_addr", s.source_addr, 65);
    v.octet("esme_addr_ton", s.esme_addr_ton);
    v.octet("esme_addr_npi", s.esme_addr_npi);
    v.cstring("esme_addr", s.esme_addr, 65);
    v.tlvs("tlvs", s.tlvs);
  }
};

}  // namespace msgkit::smpp
