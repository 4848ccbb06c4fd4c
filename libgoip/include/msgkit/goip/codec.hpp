// Datagrams to messages and back. A datagram is classified first, by its verb and by what follows it; what it holds is
// then read by the message's own description. The same verb may mean different things in the two directions, hence two
// parsers: servers parse what devices say, a device (a simulator, a proxy) parses what servers say.
//
// Tolerant in: field order, unknown fields, `pass` and `password`, "(null)" and "<NULL>" for nothing, a missing last ';',
// closing CR, LF and NUL. Strict out: the canonical spelling. Nothing here allocates, except what `out` needs to grow.
#pragma once

#include <variant>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/goip/command.hpp"
#include "msgkit/goip/diagnostics.hpp"
#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/notification.hpp"
#include "msgkit/goip/session_message.hpp"

namespace msgkit::goip {

// The block that answers the command GSM; its number is the command's id. Carries no credentials.
struct gsm_info : notification {
  static constexpr std::string_view verb = "GSM";
  static constexpr bool has_credentials = false;
  static constexpr answer_rule answer = answer_rule::none;
  std::string_view msisdn{};
  std::optional<std::int64_t> exp_time{}, remain_time{};
  std::string_view state{}, imei{};
  std::optional<std::int64_t> out_call_interval{};
  std::optional<bool> module_down{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("get_gsm_num", s.msisdn, number_bytes_max);
    v.integer("get_exp_time", s.exp_time, -1, INT32_MAX);
    v.integer("get_remain_time", s.remain_time, -1, INT32_MAX);
    v.text("get_gsm_state", s.state, 64);
    v.text("imei", s.imei, 32);
    v.integer("out_call_interval", s.out_call_interval, -1, INT32_MAX);
    v.flag("module_down", s.module_down, '1', '0');
  }
};

// The server's answer to a keepalive. 200 or, to older firmware, 0 is "registered"; see session_options.
struct registration_reply : notification {
  static constexpr std::string_view verb = "reg";
  static constexpr std::string_view number_name = "count";
  static constexpr bool has_credentials = false;
  static constexpr answer_rule answer = answer_rule::none;
  static constexpr bool closing_semicolon = true;
  std::optional<std::int64_t> status{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("status", s.status, -1, 999, true);
  }
};

// The server's answer to a notification: `VERB <number> OK`, `... ERROR <words>`, `... DISABLE`.
enum class verdict : std::uint8_t { ok, error, disable };
struct acknowledgement {
  std::string_view verb{};
  std::string_view number{};  // the digits as they came
  goip::verdict verdict{};
  std::string_view message{};  // with verdict::error
};

using device_message =
    std::variant<keepalive, receive_sms, delivery_report, ussd_notification, call_record, call_hangup, call_expiry,
                 call_state, remain_time, cell_list, serving_cell, packet_attach, broadcast_channels, at_trace,
                 other_notification, gsm_info, password_request, send_request, send_wait, send_ok, error_reply,
                 session_done, ussd_reply, ussd_error, ussd_exit, command_reply>;

using server_message = std::variant<registration_reply, acknowledgement, open_session, session_password, send_recipient,
                                    single_sms, session_done, ussd_request, ussd_exit_request, command_request>;

// Errors: see errc, "decoding"; the fault's offset counts from the start of the datagram.
result<device_message> parse_from_device(bytes_view datagram, diagnostics* notes = nullptr);
result<server_message> parse_from_server(bytes_view datagram, diagnostics* notes = nullptr);

// Appends the datagram; on an error nothing is appended. Errors: text_too_long, field_too_long, forbidden_character with
// the field, invalid_argument.
result<void> encode(const device_message& m, byte_vector& out);
result<void> encode(const server_message& m, byte_vector& out);

// The common part of whatever notification the message is; null for a reply.
const notification* as_notification(const device_message& m) noexcept;

}  // namespace msgkit::goip
