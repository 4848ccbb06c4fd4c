// What passes in a conversation: `VERB <id> <argument> ...`, separated by single spaces. Each message is described once,
// in fields(). `send_id` is chosen by the server and names the conversation, 0..INT32_MAX. Views point into the datagram.
//
// The bulk session:   server MSG -> device PASSWORD -> server PASSWORD -> device SEND -> server SEND per recipient
//                     -> device WAIT, then OK or ERROR -> server DONE -> device DONE
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "msgkit/goip/limits.hpp"

namespace msgkit::goip {

// ---- from the device

// "Who are you?": the answer to MSG.
struct password_request {
  static constexpr std::string_view verb = "PASSWORD";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
  }
};

// The password was right; recipients are welcome.
struct send_request {
  static constexpr std::string_view verb = "SEND";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
  }
};

// The SMS is queued or being sent.
struct send_wait {
  static constexpr std::string_view verb = "WAIT";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::uint32_t recipient = 0;  // telid
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.number("telid", s.recipient);
  }
};

struct send_ok {
  static constexpr std::string_view verb = "OK";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::uint32_t recipient = 0;
  std::optional<std::uint32_t> sms_no{};  // newer firmware: what the delivery report will refer to
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.number("telid", s.recipient);
    v.optional_number("sms_no", s.sms_no);
  }
};

// Of a session, of one recipient, or of a command; split_error() reads the rest.
struct error_reply {
  static constexpr std::string_view verb = "ERROR";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::string_view message{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.rest("message", s.message);
  }
};

// Both directions: the conversation is over.
struct session_done {
  static constexpr std::string_view verb = "DONE";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
  }
};

struct ussd_reply {
  static constexpr std::string_view verb = "USSD";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  std::string_view text{};  // may contain line feeds
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.rest("text", s.text);
  }
};

struct ussd_error {
  static constexpr std::string_view verb = "USSDERROR";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  std::string_view message{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.rest("message", s.message);
  }
};

// The network closed the dialogue.
struct ussd_exit {
  static constexpr std::string_view verb = "USSDEXIT";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
  }
};

// ---- from the server

// Opens a bulk session. The length counts octets, so that the text may contain line feeds.
struct open_session {
  static constexpr std::string_view verb = "MSG";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::string_view text{};  // UTF-8, at most sms_text_bytes_max octets
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.counted_text("text", s.text, sms_text_bytes_max);
  }
};

struct session_password {
  static constexpr std::string_view verb = "PASSWORD";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::string_view password{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.secret("password", s.password);
  }
};

struct send_recipient {
  static constexpr std::string_view verb = "SEND";
  static constexpr bool line_feed = true;
  std::uint32_t send_id = 0;
  std::uint32_t recipient = 0;  // telid, unique within the session
  std::string_view destination{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.number("telid", s.recipient);
    v.word("number", s.destination, number_bytes_max);
  }
};

// The single-shot way, which the vendor's own web pages use: no session. Answered with WAIT, OK and ERROR.
struct single_sms {
  static constexpr std::string_view verb = "SMS";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  std::uint32_t recipient = 0;
  std::string_view password{};
  std::string_view destination{};
  std::string_view text{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.number("telid", s.recipient);
    v.secret("password", s.password);
    v.word("number", s.destination, number_bytes_max);
    v.rest("text", s.text);
  }
};

// A line feed after the code would become part of it.
struct ussd_request {
  static constexpr std::string_view verb = "USSD";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  std::string_view password{};
  std::string_view code{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.secret("password", s.password);
    v.rest("code", s.code);
  }
};

struct ussd_exit_request {
  static constexpr std::string_view verb = "USSDEXIT";
  static constexpr bool line_feed = false;
  std::uint32_t send_id = 0;
  std::string_view password{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.number("sendid", s.send_id);
    v.secret("password", s.password);
  }
};

// ---- what an ERROR says

enum class error_subject : std::uint8_t {
  other,       // words
  session,     // SENDID: the device does not know the session (any more)
  logged_out,  // GSM_LOGOUT: the line is not on the network
  password,
  recipient,   // of one recipient, with or without a status
};

struct error_words {
  error_subject subject = error_subject::other;
  std::uint32_t recipient = 0;              // with error_subject::recipient
  std::optional<std::int64_t> status{};     // errorstatus, see sms_status.hpp
};
error_words split_error(std::string_view message) noexcept;

}  // namespace msgkit::goip
