// Every PDU of SMPP 3.3, 3.4 and 5.0, and the variant that holds one of them.
#pragma once

#include <type_traits>
#include <variant>

#include "msgkit/smpp/header.hpp"
#include "msgkit/smpp/pdu/alert_notification.hpp"
#include "msgkit/smpp/pdu/bind.hpp"
#include "msgkit/smpp/pdu/broadcast_sm.hpp"
#include "msgkit/smpp/pdu/cancel_sm.hpp"
#include "msgkit/smpp/pdu/data_sm.hpp"
#include "msgkit/smpp/pdu/header_only.hpp"
#include "msgkit/smpp/pdu/outbind.hpp"
#include "msgkit/smpp/pdu/query_sm.hpp"
#include "msgkit/smpp/pdu/replace_sm.hpp"
#include "msgkit/smpp/pdu/short_message.hpp"
#include "msgkit/smpp/pdu/submit_multi.hpp"
#include "msgkit/smpp/pdu/version_3_3.hpp"

namespace msgkit::smpp {

// A command_id we have no description of. Its body is kept, so it relays and re-encodes unchanged.
struct unknown_pdu {
  bytes_view body{};

  friend bool operator==(const unknown_pdu& a, const unknown_pdu& b) noexcept {
    return as_text(a.body) == as_text(b.body);
  }
};

template <class... Ts>
struct type_list {};

// The busiest come first.
using all_pdus = type_list<
    submit_sm, submit_sm_resp, deliver_sm, deliver_sm_resp, enquire_link, enquire_link_resp, data_sm, data_sm_resp,
    bind_transceiver, bind_transceiver_resp, bind_transmitter, bind_transmitter_resp, bind_receiver,
    bind_receiver_resp, unbind, unbind_resp, generic_nack, query_sm, query_sm_resp, cancel_sm, cancel_sm_resp,
    replace_sm, replace_sm_resp, submit_multi, submit_multi_resp, alert_notification, outbind, broadcast_sm,
    broadcast_sm_resp, query_broadcast_sm, query_broadcast_sm_resp, cancel_broadcast_sm, cancel_broadcast_sm_resp,
    param_retrieve, param_retrieve_resp, query_last_msgs, query_last_msgs_resp, query_msg_details,
    query_msg_details_resp>;

template <class List>
struct variant_of;
template <class... Ts>
struct variant_of<type_list<Ts...>> {
  using type = std::variant<unknown_pdu, Ts...>;
};
using pdu_variant = variant_of<all_pdus>::type;

// Use std::get, std::get_if and std::visit on it. Views inside point into the decoded frame.
struct pdu : pdu_variant {
  using pdu_variant::pdu_variant;
  header head{};

  friend bool operator==(const pdu& a, const pdu& b) noexcept {
    return a.head == b.head && static_cast<const pdu_variant&>(a) == static_cast<const pdu_variant&>(b);
  }
};

static_assert(std::is_trivially_destructible_v<pdu>, "PDUs own nothing: see docs/adr/0002");

}  // namespace msgkit::smpp
