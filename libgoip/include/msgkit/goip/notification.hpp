// What a device says by itself: `VERB:<n>;name:value;...`. Each message is described once, in fields(); parser, encoder
// and printing derive from that. Views point into the received datagram.
//
// Common to all: the number after the verb, which is echoed as it came, and the line's id and password, which stand in
// every one of them in clear text. The keepalive spells the password `pass`, the others `password`; both are accepted
// everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "msgkit/goip/field_list.hpp"
#include "msgkit/goip/limits.hpp"

namespace msgkit::goip {

// Whether a notification wants an answer, and whose word releases it.
enum class answer_rule : std::uint8_t {
  none,        // never answered
  at_once,     // repeats itself or can be lost without harm
  by_caller,   // answered when the application says that it has kept the message
};

struct notification {
  std::string_view number{};  // digits as received, optional '-': device clocks that are not set give negative ones
  std::string_view id{};      // 1..line_id_bytes_max octets, no control characters
  std::string_view password{};
  field_list others{};        // all fields as received, also those without a member
};

// Every 30 s; the count starts at 1 when the device is switched on.
struct keepalive : notification {
  static constexpr std::string_view verb = "req";
  static constexpr std::string_view number_name = "count";
  static constexpr std::string_view password_name = "pass";
  static constexpr answer_rule answer = answer_rule::at_once;
  static constexpr bool closing_semicolon = true;

  std::string_view msisdn{};
  std::optional<std::int64_t> signal{};  // 0..31 as AT+CSQ, 99 unknown
  std::string_view gsm_status{};         // LOGIN, LOGOUT
  std::string_view voip_status{};        // LOGIN, LOGOUT, UP, DOWN
  std::string_view voip_state{};         // IDLE, BUSY, ACTIVE, or DIALING:<number> and the like
  std::optional<std::int64_t> remain_time{};  // minutes of calls left, -1 without limit
  std::string_view imei{}, imsi{}, iccid{};
  std::string_view provider{};
  std::optional<std::int64_t> idle{};    // minutes since the last call
  std::optional<bool> module_disabled{};
  std::optional<bool> sms_login{};       // the device believes itself registered with us
  std::optional<bool> smb_login{};
  std::string_view cell_info{};          // "LAC:<hex>,CELL ID:<hex>"
  std::optional<bool> gprs_attached{};

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("num", s.msisdn, number_bytes_max);
    v.integer("signal", s.signal, -1, 99);
    v.text("gsm_status", s.gsm_status, 64);
    v.text("voip_status", s.voip_status, 64);
    v.text("voip_state", s.voip_state, 128);
    v.integer("remain_time", s.remain_time, -1, INT32_MAX);
    v.text("imei", s.imei, 32);
    v.text("imsi", s.imsi, 32);
    v.text("iccid", s.iccid, 32);
    v.text("pro", s.provider, 64);
    v.integer("idle", s.idle, -1, INT32_MAX);
    v.flag("disable_status", s.module_disabled, '1', '0');
    v.flag("SMS_LOGIN", s.sms_login, 'Y', 'N');
    v.flag("SMB_LOGIN", s.smb_login, 'Y', 'N');
    v.text("CELLINFO", s.cell_info, 128);
    v.flag("CGATT", s.gprs_attached, 'Y', 'N');
  }
};

// An SMS has arrived. Repeated every 3 s, three times, until answered.
struct receive_sms : notification {
  static constexpr std::string_view verb = "RECEIVE";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::string_view source{};  // number, short code, operator name; may be empty
  std::string_view smsc{};    // newer firmware only
  std::string_view text{};    // octets to the end of the datagram: should be UTF-8, may contain ';', ':' and line feeds
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("srcnum", s.source, number_bytes_max, true);
    v.text("smscnum", s.smsc, number_bytes_max);
    v.rest("msg", s.text);
  }
};

// What became of an SMS that was sent.
struct delivery_report : notification {
  static constexpr std::string_view verb = "DELIVER";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::optional<std::int64_t> sms_no{};  // of the OK that the sending got; a small number that wraps
  std::optional<std::int64_t> state{};   // TP-Status of GSM 03.40: 0 delivered, see classify_delivery()
  std::string_view destination{};        // missing in older firmware
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("sms_no", s.sms_no, 0, INT32_MAX, true);
    v.integer("state", s.state, 0, 255, true);
    v.text("num", s.destination, number_bytes_max);
  }
};

// USSD text from the network: unasked, or an answer that came late.
struct ussd_notification : notification {
  static constexpr std::string_view verb = "USSN";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::string_view text{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.rest("msg", s.text);
  }
};

// A call begins.
struct call_record : notification {
  static constexpr std::string_view verb = "RECORD";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::optional<std::int64_t> direction{};  // 1 in, 2 out
  std::string_view remote{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("dir", s.direction, 1, 2, true);
    v.text("num", s.remote, number_bytes_max);
  }
};

// A call ends. On the wire the cause is inside the value of num: `num:<n>,cause:<text>`.
struct call_hangup : notification {
  static constexpr std::string_view verb = "HANGUP";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::string_view remote{};
  std::string_view cause{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number_and_cause("num", s.remote, "cause", s.cause);
  }
};

// How long the last call took; the unit differs between firmwares (minutes or seconds).
struct call_expiry : notification {
  static constexpr std::string_view verb = "EXPIRY";
  static constexpr answer_rule answer = answer_rule::by_caller;
  std::optional<std::int64_t> length{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("exp", s.length, -1, INT32_MAX, true);
  }
};

// IDLE, BUSY, ACTIVE, INCOMING:<n>, DIALING:<n>, ALERTING:<n>, CONNECTED:<n>.
struct call_state : notification {
  static constexpr std::string_view verb = "STATE";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view state{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("gsm_remain_state", s.state, 128, true);
  }
};

struct remain_time : notification {
  static constexpr std::string_view verb = "REMAIN";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::optional<std::int64_t> minutes{};  // -1 without limit
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("gsm_remain_time", s.minutes, -1, INT32_MAX, true);
  }
};

// The answer to get_cells_list; the list ends in a comma.
struct cell_list : notification {
  static constexpr std::string_view verb = "CELLS";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view cells{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("lists", s.cells, 1024, true);
  }
};

struct serving_cell : notification {
  static constexpr std::string_view verb = "CELLINFO";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view info{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("info", s.info, 256, true);
  }
};

struct packet_attach : notification {
  static constexpr std::string_view verb = "CGATT";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view value{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("cgatt", s.value, 64, true);
  }
};

struct broadcast_channels : notification {
  static constexpr std::string_view verb = "BCCH";
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view channels{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.text("bcch", s.channels, 1024, true);
  }
};

// The stream of AT commands after ATSTART.
struct at_trace : notification {
  static constexpr std::string_view verb = "AT";
  static constexpr answer_rule answer = answer_rule::none;
  std::optional<std::int64_t> count{};
  std::string_view received{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.integer("count", s.count, 0, INT32_MAX);
    v.text("receive", s.received, 1024);
  }
};

// Any other verb: NUMRECORD, need_recharge, recharge_ok, NUM_ICCID, and what firmware to come invents.
struct other_notification : notification {
  static constexpr answer_rule answer = answer_rule::at_once;
  std::string_view verb_text{};
  std::string_view text{};  // of a field msg, to the end of the datagram
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&&, Self&) {}
};

}  // namespace msgkit::goip
